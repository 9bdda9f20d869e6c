"""Backup and restore verification."""
