"""Incident channels: kept in step with their incident."""
