"""Carrying a claimed run from step to step."""
