"""Wake-up messages. One lost or doubled changes nothing: the row is the truth, and the sweep finds what was lost."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from conductor.engine.models import Run

log = structlog.get_logger("conductor.engine")
QUEUES = {Run.Priority.INCIDENT: "incident", Run.Priority.COMPLIANCE: "compliance"}
"""Incident runs have a queue of their own, so that compliance work never delays them."""


def wake_after_commit(*, tenant_id: UUID, run_id: UUID, priority: int) -> None:
    """Send the run's wake-up once the running transaction has committed."""
    transaction.on_commit(lambda: wake(tenant_id=tenant_id, run_id=run_id, priority=priority))


def wake(*, tenant_id: UUID, run_id: UUID, priority: int) -> None:
    """Send the run's wake-up now. A broker that is away is logged, not raised: the sweep will try again."""
    arguments = {"tenant_id": str(tenant_id), "run_id": str(run_id)}
    send("conductor.advance_run", arguments, queue=QUEUES[Run.Priority(priority)])


def send(task: str, arguments: dict[str, str], *, queue: str = "default") -> None:
    """Send a task by name; keyword arguments are ids. A broker that is away is logged, not raised."""
    try:
        current_app.send_task(task, kwargs=arguments, queue=queue, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("broker away", action="engine.wake_failed", task=task, error=type(error).__name__)
