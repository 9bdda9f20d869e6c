"""Signed HTTP notices (Standard Webhooks)."""
