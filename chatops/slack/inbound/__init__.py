"""What Slack sends: verified, kept, carried out exactly once, answered."""
