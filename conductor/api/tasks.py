"""Celery's way into the API's own upkeep."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from conductor.api.requests.idempotency import purge_all_answers
from conductor.lib.clock import now
from conductor.tenancy.rates import counters


@shared_task(name="conductor.purge_answers", ignore_result=True)
def purge_answers(**_later: Any) -> None:
    """Forget the idempotency keys that are older than a day."""
    purge_all_answers(now=now())


@shared_task(name="conductor.purge_rates", ignore_result=True)
def purge_rates(**_later: Any) -> None:
    """Forget the counters of who has sent nothing for an hour."""
    counters.purge()
