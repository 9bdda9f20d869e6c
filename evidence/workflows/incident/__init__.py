"""The evidence of an incident's response."""
