"""Slack: commands, receipts of requests, notices."""
