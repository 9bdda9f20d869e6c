"""Wake-up messages: "there is work". One lost or doubled changes nothing: the row is the truth.

A message does not say which run: whoever receives it claims what is fairest to do next (docs/decisions/0031).
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from conductor.engine.models import Run

log = structlog.get_logger("conductor.engine")
QUEUES = {Run.Priority.INCIDENT: "incident", Run.Priority.COMPLIANCE: "compliance"}
"""Incident work has a queue of its own, so that workers can be kept free for it."""
FRESH_SECONDS = 60
"""A message that nobody took in this time is dropped; the sweep sends others while there is work."""


def wake_after_commit(*, priority: int) -> None:
    """Send a wake-up once the running transaction has committed."""
    transaction.on_commit(lambda: wake(priority=priority))


def wake(*, priority: int, fresh_seconds: int = FRESH_SECONDS) -> None:
    """Send a wake-up now."""
    send("conductor.work", {"priority": priority}, queue=QUEUES[Run.Priority(priority)], expires=fresh_seconds)


def send(
    task: str,
    arguments: dict[str, Any],
    *,
    queue: str = "default",
    expires: int = FRESH_SECONDS,
    countdown: float = 0,
) -> None:
    """Send a task by name; keyword arguments are ids. A broker that is away is logged, not raised.

    A worker begins it after `countdown` seconds and not later than `expires` seconds after that: while workers are
    away, messages do not pile up beside the rows that say the same.
    """
    timing = {"expires": expires + countdown, "countdown": countdown or None}
    try:
        current_app.send_task(task, kwargs=arguments, queue=queue, retry=False, ignore_result=True, **timing)
    except (OperationalError, OSError) as error:
        log.warning("broker away", action="engine.wake_failed", task=task, error=type(error).__name__)
