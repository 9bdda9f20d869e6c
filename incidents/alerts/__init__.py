"""Alert intake: the shapes that senders use, what they have in common, and what becomes of each alert."""
