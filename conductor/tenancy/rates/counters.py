"""Counts requests in windows of time, for all processes together, and remembers which windows are full."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from conductor.lib.quotas import Quota

_COUNT = """
INSERT INTO conductor_rate_count AS there (key, beat, hits)
SELECT key, floor(extract(epoch FROM clock_timestamp()) / seconds)::bigint, 1
  FROM unnest(%s::text[], %s::int[]) AS asked (key, seconds) ORDER BY key
ON CONFLICT (key) DO UPDATE SET beat = excluded.beat, counted_at = clock_timestamp(),
    hits = CASE WHEN there.beat = excluded.beat THEN there.hits + 1 ELSE 1 END
RETURNING key, hits, beat
"""
"""In the order of keys, so that no two requests wait for each other. The window is of the database's clock."""
KEPT_SECONDS = 3600
_MOST_REMEMBERED = 10_000
_full: dict[str, float] = {}
"""Keys whose window is full, and when it ends by this process's monotonic clock."""


@dataclass(frozen=True)
class Charge:
    """What a request counts against: the limit's name, and whose it is."""

    limit: str
    whose: str

    @property
    def key(self) -> str:
        return f"{self.limit}:{self.whose}"


@dataclass(frozen=True)
class Used:
    """How a limit stands after a request."""

    limit: str
    quota: Quota
    remaining: int
    reset_seconds: int


def limited(*charges: Charge) -> list[Charge]:
    """Return those whose limit this installation has not switched off."""
    return [each for each in charges if each.limit in settings.CONDUCTOR_RATE_LIMITS]


def full(charges: Sequence[Charge]) -> Used | None:
    """Return the limit among them that was found full and has not begun anew. Asks nobody."""
    now = time.monotonic()
    for each in charges:
        left = _full.get(each.key, now) - now
        if left > 0:
            return Used(each.limit, settings.CONDUCTOR_RATE_LIMITS[each.limit], 0, max(1, round(left + 0.5)))
    return None


def count(charges: Sequence[Charge]) -> list[Used]:
    """Count one request against each and return how they stand. One statement; needs no scope to be open."""
    quotas = [settings.CONDUCTOR_RATE_LIMITS[each.limit] for each in charges]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [[each.key for each in charges], [each.seconds for each in quotas]])
        found = {key: (hits, beat) for key, hits, beat in cursor.fetchall()}
    return [_used(each, quota, *found[each.key]) for each, quota in zip(charges, quotas, strict=True)]


def purge(*, seconds: int = KEPT_SECONDS) -> int:
    """Forget who sent nothing in the newest windows. Return how many there were. Needs no scope to be open."""
    longest = max((each.seconds for each in settings.CONDUCTOR_RATE_LIMITS.values()), default=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM conductor_rate_count WHERE counted_at < clock_timestamp() - make_interval(secs => %s)",
            [max(seconds, 2 * longest)],
        )
        return int(cursor.rowcount)


def forget() -> None:
    """Let this process remember no full window. For tests."""
    _full.clear()


def _used(charge: Charge, quota: Quota, hits: int, beat: int) -> Used:
    left = min(float(quota.seconds), max(1.0, (beat + 1) * quota.seconds - time.time()))
    if hits >= quota.requests:
        if len(_full) >= _MOST_REMEMBERED:
            _full.clear()
        _full[charge.key] = time.monotonic() + left
    return Used(charge.limit, quota, max(0, quota.requests - hits), round(left))
