"""Celery's doors into the engine and the ledger. Each carries ids and makes one call."""

from __future__ import annotations

import os
import socket
from typing import Any
from uuid import UUID

from celery import shared_task

from conductor.engine.claim.wake import send
from conductor.engine.operate.sweep import sweep_runs
from conductor.engine.run.work import work
from conductor.ledger.log.sequencer import sequence, sweep_ledgers
from conductor.ledger.models import Receipt
from conductor.lib.clock import now


# Acknowledged at once: a wake-up that is lost with its worker is not missed, because the work that the worker held is
# free only when its lease ends, and the sweep sends another one then. In return no step is too long for a broker's
# patience. A step's own timeout ends it; this limit is only there for what cannot be interrupted.
@shared_task(name="conductor.work", ignore_result=True, acks_late=False, time_limit=21600, soft_time_limit=21540)
def work_turn(*, priority: int, **_later: Any) -> None:
    """Work on what is due. The name says which pool the worker is of: its parent's process id."""
    work(priority=priority, worker=f"{socket.gethostname()}:{os.getppid()}:{os.getpid()}")


@shared_task(name="conductor.sweep_runs", ignore_result=True)
def sweep(**_later: Any) -> None:
    """Wake what was lost."""
    sweep_runs(now=now())


@shared_task(name="conductor.sequence_receipts", ignore_result=True)
def sequence_receipts(*, tenant_id: str, **_later: Any) -> None:
    """Sign and number the tenant's pending receipts."""
    sequence(tenant_id=UUID(tenant_id), now=now())


@shared_task(name="conductor.sweep_ledgers", ignore_result=True)
def sweep_all_ledgers(**_later: Any) -> None:
    """Sign and number whatever is pending, of every tenant."""
    sweep_ledgers(now=now())


def wake_sequencer(receipt: Receipt) -> None:
    """Receipt subscriber: have the sequencer look at the receipt's tenant."""
    send("conductor.sequence_receipts", {"tenant_id": str(receipt.tenant_id)})
