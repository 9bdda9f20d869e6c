"""Incidents: lifecycle, roles, timeline, postmortems."""
