"""Workspaces: installation, who is who, and user groups."""
