"""Cancelling a run, and running it again from the step that failed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from conductor.engine.claim.wake import wake_after_commit
from conductor.engine.lifecycle.refusals import RunIsOver, RunNotFailed, receipt, refuse_long
from conductor.engine.models import Run, Step
from conductor.engine.run.endings import set_aside, trace_run
from conductor.tenancy.actors import Actor, require


def cancel_run(*, run: Run, actor: Actor, reason: str, now: datetime) -> Run:
    """End a run that is not over. What is at work finishes, but its result is refused. Nothing is undone."""
    require(actor=actor, permission="operate_runs")
    refuse_long(reason)
    with transaction.atomic():
        changed = Run.objects.filter(id=run.id).exclude(status__in=Run.OVER)
        error = {"code": "cancelled", "message": reason or f"Cancelled by {actor.name}", "step": ""}
        if not changed.update(
            status=Run.Status.CANCELLED,
            finished_at=now,
            error=error,
            lease_owner="",
            lease_expires_at=None,
            wake_at=None,
        ):
            raise RunIsOver
        set_aside(run, status=Step.Status.SKIPPED, now=now)
        receipt(run, "conductor.run.cancelled", actor, now, {"reason": reason})
        trace_run(run, status="cancelled", now=now)
    run.refresh_from_db()
    return run


def retry_run(*, run: Run, actor: Actor, now: datetime) -> Run:
    """Queue a failed run again from where it failed; what succeeded and was not undone is not done again.

    Of a group, only the items that did not succeed are done again. Steps that were undone are done anew, as another
    effect; so are the compensations and the clean-up, should the run fail once more.
    """
    require(actor=actor, permission="operate_runs")
    with transaction.atomic():
        changed = Run.objects.filter(id=run.id, status=Run.Status.FAILED).update(
            status=Run.Status.QUEUED, error=None, finished_at=None, wake_at=now
        )
        if not changed:
            raise RunNotFailed
        undone = _undone_steps(run)
        _set_back(undone, new_effect=True)
        steps = Step.objects.filter(run=run, is_cleanup=False)
        _set_back(steps.filter(Q(status=Step.Status.FAILED) | Q(status=Step.Status.SKIPPED, item__isnull=False)))
        _set_back(steps.filter(item=None, seq__in=undone.values("seq")))
        _set_back(Step.objects.filter(run=run, is_cleanup=True), new_effect=True)
        receipt(run, "conductor.run.retried", actor, now, {})
    wake_after_commit(priority=run.priority)
    run.refresh_from_db()
    return run


def _undone_steps(run: Run) -> QuerySet[Step]:
    """Return the steps and items whose compensation succeeded."""
    undone = Q(pk__in=[])
    done = Step.objects.filter(run=run, undoes__isnull=False, is_group=False, status=Step.Status.SUCCEEDED)
    for seq, item in done.values_list("undoes", "item"):
        undone |= Q(seq=seq, item=item)
    return Step.objects.filter(undone, run=run)


def _set_back(steps: QuerySet[Step], *, new_effect: bool = False) -> None:
    """Let the steps be done again. Their failures until now no longer count against the retry policy.

    A new effect has a new idempotency key; one that may or may not have happened keeps its old one.
    """
    for step in list(steps.annotate(tried=Count("tries"))):
        begun = step.started_at is not None or step.tried > 0
        Step.objects.filter(id=step.id).update(
            status=Step.Status.PENDING,
            output=None,
            error=None,
            wait=None,
            wake_at=None,
            finished_at=None,
            counted_from=step.tried + 1,
            round=F("round") + (1 if new_effect and begun else 0),
        )
