"""What is written about a step while it is worked on. Every write names the lease and fails once it is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from conductor.engine.claim.lease import Lease
from conductor.engine.define.context import StepContext, Wait, WaitForDecision, WaitForSignal
from conductor.engine.define.redaction import redacted
from conductor.engine.models import Run, Signal, Step, Try
from conductor.engine.run import groups
from conductor.engine.run.signals import taken_before
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.metering.lifecycle import record
from conductor.observability.metrics import STEP_SECONDS
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor

ERROR_CHARACTERS = 2000
FREE: dict[str, Any] = {"wake_at": None, "lease_owner": "", "lease_expires_at": None}
"""An item that is over is nobody's any more."""
MAX_LOSSES = 10
"""A step whose workers died this often is given up: it is likely what kills them."""


def begin_try(lease: Lease, run: Run, step: Step, *, now: datetime) -> Try:
    """Open the try that is about to begin: the one that went to wait, or a new one.

    A try found running belongs to a worker that died: it is recorded as lost.
    """
    lease.check()
    last = Try.objects.filter(step=step).order_by("-number").first() if step.started_at else None
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


def failures_of(step: Step) -> int:
    """Count the step's failed tries since a person last set it back."""
    return _tries_of(step, Try.Outcome.FAILED)


def losses_of(step: Step) -> int:
    """Count the step's tries whose worker died since a person last set it back, one that is open included."""
    if step.started_at is None:
        return 0
    return _tries_of(step, Try.Outcome.LOST, Try.Outcome.RUNNING)


def _tries_of(step: Step, *outcomes: str) -> int:
    return Try.objects.filter(step=step, outcome__in=outcomes, number__gte=step.counted_from).count()


def succeed_step(
    lease: Lease, step: Step, attempt: Try, context: StepContext, output: dict[str, Any], source: str, *, now: datetime
) -> None:
    """Record the step's output, its receipt and what it cost, together."""
    lease.check()
    seconds = _close_try(attempt, context, Try.Outcome.SUCCEEDED, now)
    Step.objects.filter(id=step.id).update(
        status=Step.Status.SUCCEEDED,
        output=output,
        error=None,
        wait=None,
        source_digest=source,
        finished_at=now,
        **FREE,
    )
    _receipt(context, "conductor.step.succeeded", step, now, {"step": step.name, "try": attempt.number})
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "succeeded").observe(seconds)
    if lease.item_id:
        groups.item_ended(step, now=now)


def wait_until(lease: Lease, step: Step, attempt: Try, context: StepContext, wait: Wait, *, now: datetime) -> None:
    """Put the run to sleep until its time. Waiting is not a failure, however often it happens."""
    asked = {"kind": "until", "until": rfc3339(wait.until), "reason": wait.reason}
    _sleep(lease, step, attempt, context, asked, wait.until, now)


def wait_for_decision(
    lease: Lease, step: Step, attempt: Try, context: StepContext, wait: WaitForDecision, *, now: datetime
) -> None:
    """Put the run to sleep until a person has decided."""
    asked: dict[str, Any] = {"kind": "decision", "reason": wait.prompt, "permission": wait.permission}
    if wait.four_eyes:
        asked |= {"four_eyes": True, "requested_by": wait.requested_by}
    _sleep(lease, step, attempt, context, asked, None, now)


def wait_for_signal(
    lease: Lease, step: Step, attempt: Try, context: StepContext, wait: WaitForSignal, *, now: datetime
) -> None:
    """Put the run to sleep until the signal comes, or its time; not at all if the signal has come already."""
    Run.objects.select_for_update(no_key=True).only("id").get(id=lease.run_id)  # so that no signal slips in between
    asked: dict[str, Any] = {"kind": "signal", "signal": wait.name, "reason": wait.reason}
    asked["taken_before"] = taken_before(step, wait.name)
    if wait.until:
        asked["until"] = rfc3339(wait.until)
    is_there = Signal.objects.filter(run_id=lease.run_id, name=wait.name, taken_by=None).exists()
    _sleep(lease, step, attempt, context, asked, now if is_there else wait.until, now)


def retry_later(
    lease: Lease, step: Step, attempt: Try, context: StepContext, error: Exception, *, delay: timedelta, now: datetime
) -> None:
    """Record the failed try; the run is due again after `delay`."""
    lease.let_go(status=Run.Status.QUEUED, until=now + delay)
    context.log(f"retry in {delay.total_seconds():.0f} s: {_say(error)}", level="error")
    seconds = _close_try(attempt, context, Try.Outcome.FAILED, now, error=_say(error))
    Step.objects.filter(id=step.id).update(status=Step.Status.PENDING)
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "failed").observe(seconds)


def fail_step(
    lease: Lease, step: Step, attempt: Try, context: StepContext, error: Exception, *, code: str, now: datetime
) -> None:
    """Record that the step failed for good; the workflow's compensation and clean-up come next."""
    lease.check()
    context.log(_say(error), level="error")
    seconds = _close_try(attempt, context, Try.Outcome.FAILED, now, error=_say(error))
    failure = {"code": code, "message": _say(error)}
    Step.objects.filter(id=step.id).update(
        status=Step.Status.FAILED, output=None, error=failure, wait=None, finished_at=now, **FREE
    )
    _receipt(context, "conductor.step.failed", step, now, {"step": step.name, "try": attempt.number, **failure})
    _meter(context, attempt, seconds, now)
    STEP_SECONDS.labels(step.name, "failed").observe(seconds)
    if lease.item_id:
        groups.item_ended(step, now=now)


def give_up(run: Run, step: Step, *, code: str, message: str, now: datetime) -> None:
    """Let the step fail without another try. Needs the lease to be checked in the same transaction."""
    Try.objects.filter(step=step, outcome__in=[Try.Outcome.RUNNING, Try.Outcome.WAITING]).update(
        outcome=Try.Outcome.LOST, finished_at=now, error=message
    )
    error = {"code": code, "message": message}
    Step.objects.filter(id=step.id).update(
        status=Step.Status.FAILED, output=None, error=error, wait=None, finished_at=now, **FREE
    )
    append(
        tenant_id=run.tenant_id,
        action="conductor.step.failed",
        subject=ref("conductor.step", step.id),
        subject_name=f"{run.code} step {step.place}",
        actor=Actor.system(),
        now=now,
        body={"step": step.name, **error, **({} if step.item is None else {"item": step.item})},
        links=[ref("conductor.run", run.id), *([run.subject] if run.subject else [])],
    )
    if step.item is not None:
        groups.item_ended(step, now=now)


def _sleep(
    lease: Lease,
    step: Step,
    attempt: Try,
    context: StepContext,
    asked: dict[str, Any],
    until: datetime | None,
    now: datetime,
) -> None:
    lease.let_go(status=Run.Status.WAITING, until=until)
    _close_try(attempt, context, Try.Outcome.WAITING, now)
    Step.objects.filter(id=step.id).update(status=Step.Status.WAITING, wait={**asked, "since": rfc3339(now)})


def _close_try(attempt: Try, context: StepContext, outcome: str, now: datetime, error: str = "") -> float:
    """Return how long the try took, in seconds. Decisions that were rolled back with the step are not kept."""
    if context.decisions:
        kept = PolicyDecision.objects.filter(id__in=context.decisions).order_by("decided_at", "id")
        context.decisions = [str(each) for each in kept.values_list("id", flat=True)]
    Try.objects.filter(id=attempt.id).update(
        outcome=outcome, finished_at=now, error=error, log=context.lines, decisions=context.decisions
    )
    return max((now - attempt.started_at).total_seconds(), 0.0)


def _receipt(context: StepContext, action: str, step: Step, now: datetime, body: dict[str, Any]) -> None:
    """The receipt of a step links to its run, to what the run is about, and to what policy decided meanwhile."""
    if step.item is not None:
        body = {**body, "item": step.item}
    decisions = [ref("conductor.policy_decision", each) for each in context.decisions]
    append(
        tenant_id=context.tenant_id,
        action=action,
        subject=ref("conductor.step", step.id),
        subject_name=f"{context.run_code} step {step.place}",
        actor=context.actor,
        now=now,
        body=body,
        links=[context.run_ref, *([context.subject] if context.subject else []), *decisions],
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
    """Errors are read by people and stay in the record: what looks like a secret is erased."""
    said: str = redacted(str(error) or type(error).__name__)
    return said[:ERROR_CHARACTERS]
