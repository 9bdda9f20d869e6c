"""The timeline: entries, corrections, redactions, milestones, and how they are read."""
