"""Slack: what comes in, what goes out, how it looks, and in which channels and workspaces."""
