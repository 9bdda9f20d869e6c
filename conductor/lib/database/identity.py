"""Telling databases apart."""

from __future__ import annotations

from typing import Final

IDENTITY: Final = (
    "SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()), oid) "
    "FROM pg_database WHERE datname = current_database()"
)
"""Asks PostgreSQL, as any role, what two connections have in common only if they reach the same database."""
