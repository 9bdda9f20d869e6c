"""Verbs on runs that people and programs call: start, cancel, retry, decide, signal, limit."""
