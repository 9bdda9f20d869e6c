"""Signing keys: where they are kept, which ones count, and how they are replaced."""
