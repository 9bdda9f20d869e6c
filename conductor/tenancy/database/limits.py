"""What the transactions of this process are held to, so that none holds others up for ever (docs/decisions/0065)."""

from __future__ import annotations

from django.conf import settings

_limits: dict[str, str] = {}


def hold_to(process: str) -> None:
    """Hold every tenant scope that this process opens from now on to the limits of `web` or `worker` processes."""
    set_limits(settings.DATABASE_LIMITS[process])


def set_limits(limits: dict[str, str]) -> None:
    """Hold every scope to these of PostgreSQL's settings; to nothing if there are none."""
    _limits.clear()
    _limits.update(limits)


def limits() -> dict[str, str]:
    """Return PostgreSQL's settings for a transaction of this process; none for commands and migrations."""
    return _limits
