"""Ids, refs, canonical JSON, clock and errors. No Django, no other subpackage."""
