"""Tables that no model describes and no tenant's scope shows: counters that all processes share."""

from __future__ import annotations

# Counters of sign-in attempts (docs/decisions/0044).
CACHE = """
CREATE TABLE conductor_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX conductor_cache_expires ON conductor_cache (expires);
"""

# Counters of requests (docs/decisions/0110). Unlogged: a crash that loses them forgives a minute.
RATE_COUNTS = """
CREATE UNLOGGED TABLE conductor_rate_count (
    key varchar(200) PRIMARY KEY,
    beat bigint NOT NULL,
    hits integer NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
"""
