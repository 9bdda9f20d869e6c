"""Tickets as issues of a project in Jira Cloud."""
