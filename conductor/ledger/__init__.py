"""Receipts of key actions, the log that numbers them, and the store of bytes by their digest."""
