"""How much is due, for how long, and how much is at work: what shows that workers do not keep up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from conductor.engine.models import Run


@dataclass(frozen=True)
class Backlog:
    """What one priority has to do, in runs and items together."""

    priority: Run.Priority
    due: int
    oldest_seconds: float
    """Age of what has been due longest; 0 when nothing is due."""
    at_work: int


def backlogs(*, now: datetime) -> list[Backlog]:
    """Return the backlog of every priority: of the tenant whose scope is open, or without one of all together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT priority, due, oldest, at_work FROM conductor_backlog(%s)", [now])
        return [_backlog(now, *row) for row in cursor.fetchall()]


def _backlog(now: datetime, priority: int, due: int, oldest: datetime | None, at_work: int) -> Backlog:
    age = (now - oldest).total_seconds() if oldest else 0.0
    return Backlog(Run.Priority(priority), due, max(age, 0.0), at_work)
