"""Measures from a Prometheus server, or anything that answers its HTTP API."""
