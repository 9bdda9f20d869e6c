"""What is written about a run while it is worked on. Every write names the lease and fails once it is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from conductor.engine.context import StepContext, Wait, WaitForDecision
from conductor.engine.lease import Lease
from conductor.engine.models import Run, Step, Try
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.metering.lifecycle import record
from conductor.observability.metrics import RUNS_FINISHED, STEP_SECONDS
from conductor.tenancy.actors import Actor
from conductor.tenancy.scope import tenant_scope

ERROR_CHARACTERS = 2000


def begin_try(lease: Lease, run: Run, step: Step, *, now: datetime) -> Try:
    """Open the try that is about to begin: the one that went to wait, or a new one.

    A try found running belongs to a worker that died: it is recorded as lost.
    """
    lease.write(lease_owner=lease.worker)
    last = Try.objects.filter(step=step).order_by("-number").first()
    if last is not None and last.outcome == Try.Outcome.WAITING:
        Try.objects.filter(id=last.id).update(outcome=Try.Outcome.RUNNING, finished_at=None, worker=lease.worker)
        Step.objects.filter(id=step.id).update(status=Step.Status.RUNNING)
        last.refresh_from_db()
        return last
    if last is not None and last.outcome == Try.Outcome.RUNNING:
        Try.objects.filter(id=last.id).update(
            outcome=Try.Outcome.LOST, finished_at=now, error=f"{last.worker} stopped without a word"
        )
    Step.objects.filter(id=step.id).update(
        status=Step.Status.RUNNING, started_at=step.started_at or now, error=None, finished_at=None
    )
    return Try.objects.create(
        tenant_id=run.tenant_id,
        step=step,
        number=(last.number if last else 0) + 1,
        worker=lease.worker,
        started_at=now,
    )


def failures_of(lease: Lease, step: Step) -> int:
    """Return how many tries failed or were lost since the step was last set back by a person."""
    with tenant_scope(lease.tenant_id):
        outcomes = [Try.Outcome.FAILED, Try.Outcome.LOST]
        return Try.objects.filter(step=step, outcome__in=outcomes).count()


def succeed_step(
    lease: Lease, step: Step, attempt: Try, context: StepContext, output: dict[str, Any], *, now: datetime
) -> None:
    """Record the output, its receipt and its meter event together."""
    lease.write(lease_owner=lease.worker)
    seconds = _close_try(attempt, context, Try.Outcome.SUCCEEDED, now)
    Step.objects.filter(id=step.id).update(
        status=Step.Status.SUCCEEDED, output=output, error=None, wait=None, finished_at=now
    )
    _receipt(context, "conductor.step.succeeded", step, now, {"step": step.name, "try": attempt.number})
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "succeeded").observe(seconds)


def wait_until(lease: Lease, step: Step, attempt: Try, context: StepContext, wait: Wait, *, now: datetime) -> None:
    """Put the run to sleep until its time. Waiting is not a failure, however often it happens."""
    lease.write(status=Run.Status.WAITING, wake_at=wait.until, woken_at=None, lease_owner="")
    _close_try(attempt, context, Try.Outcome.WAITING, now)
    reason = {"kind": "until", "until": rfc3339(wait.until), "reason": wait.reason}
    Step.objects.filter(id=step.id).update(status=Step.Status.WAITING, wait=reason)


def wait_for_decision(
    lease: Lease, step: Step, attempt: Try, context: StepContext, wait: WaitForDecision, *, now: datetime
) -> None:
    """Put the run to sleep until a person has decided."""
    lease.write(status=Run.Status.WAITING, wake_at=None, lease_owner="")
    _close_try(attempt, context, Try.Outcome.WAITING, now)
    asked = {"kind": "decision", "reason": wait.prompt, "permission": wait.permission, "since": rfc3339(now)}
    Step.objects.filter(id=step.id).update(status=Step.Status.WAITING, wait=asked)


def retry_later(
    lease: Lease, step: Step, attempt: Try, context: StepContext, error: Exception, *, delay: timedelta, now: datetime
) -> None:
    """Record the failed try; the run is due again after `delay`."""
    lease.write(status=Run.Status.QUEUED, wake_at=now + delay, woken_at=None, lease_owner="")
    context.log(f"retry in {delay.total_seconds():.0f} s: {_say(error)}", level="error")
    seconds = _close_try(attempt, context, Try.Outcome.FAILED, now, error=_say(error))
    Step.objects.filter(id=step.id).update(status=Step.Status.PENDING)
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "failed").observe(seconds)


def fail_step(
    lease: Lease, step: Step, attempt: Try, context: StepContext, error: Exception, *, code: str, now: datetime
) -> None:
    """Record that the step failed for good; the workflow's clean-up comes next."""
    lease.write(lease_owner=lease.worker)
    context.log(_say(error), level="error")
    seconds = _close_try(attempt, context, Try.Outcome.FAILED, now, error=_say(error))
    failure = {"code": code, "message": _say(error)}
    Step.objects.filter(id=step.id).update(status=Step.Status.FAILED, output=None, error=failure, finished_at=now)
    _receipt(context, "conductor.step.failed", step, now, {"step": step.name, "try": attempt.number, **failure})
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "failed").observe(seconds)


def succeed_run(lease: Lease, run: Run, *, now: datetime) -> None:
    """End the run well; clean-up steps were not needed."""
    with transaction.atomic():
        lease.write(status=Run.Status.SUCCEEDED, finished_at=now, lease_owner="", lease_expires_at=None)
        Step.objects.filter(run=run, is_cleanup=True).update(status=Step.Status.SKIPPED)
        _end(run, "conductor.run.succeeded", {}, now)


def fail_run(lease: Lease, run: Run, *, code: str, message: str, step: str, now: datetime) -> None:
    """End the run with its reason."""
    error = {"code": code, "message": message, "step": step}
    with transaction.atomic():
        lease.write(status=Run.Status.FAILED, finished_at=now, error=error, lease_owner="", lease_expires_at=None)
        _end(run, "conductor.run.failed", error, now)


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


def _close_try(attempt: Try, context: StepContext, outcome: str, now: datetime, error: str = "") -> float:
    Try.objects.filter(id=attempt.id).update(outcome=outcome, finished_at=now, error=error, log=context.lines)
    return max((now - attempt.started_at).total_seconds(), 0.0)


def _receipt(context: StepContext, action: str, step: Step, now: datetime, body: dict[str, Any]) -> None:
    links = [context.run_ref, *([context.subject] if context.subject else [])]
    append(
        tenant_id=context.tenant_id,
        action=action,
        subject=ref("conductor.step", step.id),
        subject_name=f"{context.run_code} step {step.seq}",
        actor=context.actor,
        now=now,
        body=body,
        links=links,
    )


def _meter(context: StepContext, attempt: Try, seconds: float, now: datetime) -> None:
    record(
        tenant_id=context.tenant_id,
        meter="engine.step_seconds",
        quantity=Decimal(f"{seconds:.6f}"),
        subject=context.run_ref,
        key=f"{attempt.id}:{attempt.number}",
        now=now,
    )


def _say(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:ERROR_CHARACTERS]
