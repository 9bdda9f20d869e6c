"""How a run ends, and what is recorded of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.engine.claim.lease import Lease
from conductor.engine.models import Run, Step, Try
from conductor.ledger.receipts import append
from conductor.lib.refs import ref
from conductor.observability.metrics import RUNS_FINISHED
from conductor.observability.tracing import run_ended
from conductor.tenancy.actors import Actor


def succeed_run(lease: Lease, run: Run, *, output: dict[str, Any], now: datetime) -> None:
    """End the run well; compensations and clean-up were not needed."""
    with transaction.atomic():
        lease.write(status=Run.Status.SUCCEEDED, output=output, finished_at=now, lease_owner="", lease_expires_at=None)
        Step.objects.filter(run=run, is_cleanup=True).update(status=Step.Status.SKIPPED)
        _end(run, "conductor.run.succeeded", {}, now)


def fail_run(
    lease: Lease, run: Run, *, code: str, message: str, step: str, now: datetime, not_undone: list[str] | None = None
) -> None:
    """End the run with its reason. Steps that were at work or waiting may be begun again by a retry."""
    error: dict[str, Any] = {"code": code, "message": message, "step": step}
    if not_undone:
        error["not_undone"] = not_undone
    with transaction.atomic():
        lease.write(status=Run.Status.FAILED, finished_at=now, error=error, lease_owner="", lease_expires_at=None)
        set_aside(run, status=Step.Status.PENDING, now=now)
        _end(run, "conductor.run.failed", error, now)


def set_aside(run: Run, *, status: str, now: datetime) -> None:
    """Take the run's open steps and tries out of work: nothing is left that looks as if somebody were at it."""
    begun = [Step.Status.RUNNING, Step.Status.WAITING]
    Try.objects.filter(step__run=run, outcome__in=[Try.Outcome.RUNNING, Try.Outcome.WAITING]).update(
        outcome=Try.Outcome.CANCELLED, finished_at=now
    )
    gone: dict[str, Any] = {"status": status, "wake_at": None, "lease_owner": "", "lease_expires_at": None}
    Step.objects.filter(run=run, status__in=begun).update(**gone, wait=None)
    Step.objects.filter(run=run, status=Step.Status.PENDING, item__isnull=False).update(**gone)


def _end(run: Run, action: str, body: dict[str, Any], now: datetime) -> None:
    append(
        tenant_id=run.tenant_id,
        action=action,
        subject=ref("conductor.run", run.id),
        subject_name=run.code,
        actor=Actor.system(),
        now=now,
        body={"workflow": run.workflow, **body},
        links=[run.subject] if run.subject else [],
    )
    status = action.rpartition(".")[2]
    transaction.on_commit(lambda: RUNS_FINISHED.labels(run.workflow, status).inc())
    trace_run(run, status=status, now=now)


def trace_run(run: Run, *, status: str, now: datetime) -> None:
    """Have the whole run traced once its end is committed."""
    transaction.on_commit(
        lambda: run_ended(run=run.id, workflow=run.workflow, status=status, began=run.created_at, ended=now)
    )
