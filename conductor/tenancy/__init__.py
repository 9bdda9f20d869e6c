"""Tenants, environments, memberships, API tokens, and the wall between tenants."""
