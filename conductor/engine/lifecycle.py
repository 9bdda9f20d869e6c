"""Verbs on runs that people and programs call: start, cancel, retry, decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from conductor.engine import registry
from conductor.engine.models import Run, Step
from conductor.engine.wake import wake_after_commit
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.numbers import next_number


class WorkflowUnknown(Invalid):
    """There is no workflow of this name."""

    code = "workflow_unknown"


class RunIsOver(Conflict):
    """The run has ended already."""

    code = "run_is_over"


class RunNotFailed(Conflict):
    """Only a failed run can be retried."""

    code = "run_not_failed"


class RunNotWaiting(Conflict):
    """The run does not wait for a decision."""

    code = "run_not_waiting"


def start_run(
    *,
    tenant_id: UUID,
    workflow: str,
    actor: Actor,
    now: datetime,
    input: Mapping[str, Any] | None = None,
    subject: Ref = "",
    environment_id: UUID | None = None,
    dedup_key: str = "",
    title: str = "",
) -> Run:
    """Queue a run and return it; with a `dedup_key` used before, return the run that it made then.

    Joins the caller's transaction: the run exists if and only if what caused it was committed.
    """
    try:
        definition = registry.workflow(workflow)
    except KeyError as error:
        raise WorkflowUnknown(fields={"workflow": [f"{workflow} is not registered."]}) from error
    if dedup_key and (found := _existing(workflow, dedup_key)):
        return found
    try:
        with transaction.atomic():
            run = _create(
                definition, tenant_id, actor, now, dict(input or {}), subject, environment_id, dedup_key, title
            )
    except IntegrityError:
        # Only the dedup key can clash: numbers are given out under a lock. Whoever was first has committed.
        found = _existing(workflow, dedup_key)
        if found is None:
            raise
        return found
    wake_after_commit(tenant_id=tenant_id, run_id=run.id, priority=run.priority)
    return run


def cancel_run(*, run: Run, actor: Actor, reason: str, now: datetime) -> Run:
    """End a run that is not over. A step that is at work finishes, but its result is refused."""
    require(actor=actor, permission="operate_runs")
    with transaction.atomic():
        changed = Run.objects.filter(id=run.id).exclude(status__in=Run.OVER)
        error = {"code": "cancelled", "message": reason or f"Cancelled by {actor.name}", "step": ""}
        if not changed.update(status=Run.Status.CANCELLED, finished_at=now, error=error, lease_owner="", wake_at=None):
            raise RunIsOver
        Step.objects.filter(run=run, status__in=["RUNNING", "WAITING"]).update(
            status=Step.Status.SKIPPED, finished_at=now
        )
        _receipt(run, "conductor.run.cancelled", actor, now, {"reason": reason})
    run.refresh_from_db()
    return run


def retry_run(*, run: Run, actor: Actor, now: datetime) -> Run:
    """Queue a failed run again from the step that failed; what succeeded is not done again."""
    require(actor=actor, permission="operate_runs")
    with transaction.atomic():
        changed = Run.objects.filter(id=run.id, status=Run.Status.FAILED).update(
            status=Run.Status.QUEUED, error=None, finished_at=None, wake_at=now, woken_at=None
        )
        if not changed:
            raise RunNotFailed
        Step.objects.filter(run=run, is_cleanup=False, status=Step.Status.FAILED).update(
            status=Step.Status.PENDING, error=None, finished_at=None
        )
        # The clean-up belongs to the failure that it followed; after another failure it must run again.
        Step.objects.filter(run=run, is_cleanup=True).update(
            status=Step.Status.PENDING, output=None, error=None, finished_at=None
        )
        _receipt(run, "conductor.run.retried", actor, now, {})
    wake_after_commit(tenant_id=run.tenant_id, run_id=run.id, priority=run.priority)
    run.refresh_from_db()
    return run


def decide_wait(*, run: Run, approve: bool, reason: str, actor: Actor, now: datetime) -> Run:
    """Record who approved or rejected what the run waits for, and let it go on with that answer."""
    with transaction.atomic():
        step = Step.objects.select_for_update().filter(run=run, status=Step.Status.WAITING).first()
        if step is None or (step.wait or {}).get("kind") != "decision" or "decision" in (step.wait or {}):
            raise RunNotWaiting
        wait: dict[str, Any] = dict(step.wait or {})
        require(actor=actor, permission=wait["permission"])
        wait["decision"] = {
            "approve": approve,
            "by": actor.ref,
            "by_name": actor.name,
            "reason": reason,
            "at": rfc3339(now),
        }
        Step.objects.filter(id=step.id).update(wait=wait)
        if not Run.objects.filter(id=run.id, status=Run.Status.WAITING).update(wake_at=now, woken_at=None):
            raise RunNotWaiting
        _receipt(run, "conductor.run.decided", actor, now, {"step": step.name, "approve": approve, "reason": reason})
    wake_after_commit(tenant_id=run.tenant_id, run_id=run.id, priority=run.priority)
    run.refresh_from_db()
    return run


def _existing(workflow: str, dedup_key: str) -> Run | None:
    return Run.objects.filter(workflow=workflow, dedup_key=dedup_key).first() if dedup_key else None


def _create(
    definition: registry.Workflow,
    tenant_id: UUID,
    actor: Actor,
    now: datetime,
    given: dict[str, Any],
    subject: Ref,
    environment_id: UUID | None,
    dedup_key: str,
    title: str,
) -> Run:
    run = Run.objects.create(
        tenant_id=tenant_id,
        number=next_number(tenant_id=tenant_id, series="run"),
        workflow=definition.name,
        workflow_version=definition.version,
        workflow_digest=definition.digest,
        title=title or definition.title,
        priority=Run.Priority[definition.priority.upper()],
        environment_id=environment_id,
        input=given,
        subject=subject,
        dedup_key=dedup_key,
        started_by=actor.ref,
        started_by_name=actor.name,
        wake_at=now,
        woken_at=now,
        created_at=now,
    )
    Step.objects.bulk_create(
        Step(tenant_id=tenant_id, run=run, seq=seq, name=name, is_cleanup=seq > len(definition.steps))
        for seq, name in enumerate(definition.steps + definition.on_failure, start=1)
    )
    _receipt(run, "conductor.run.started", actor, now, {"workflow": run.workflow, "version": run.workflow_version})
    return run


def _receipt(run: Run, action: str, actor: Actor, now: datetime, body: dict[str, Any]) -> None:
    append(
        tenant_id=run.tenant_id,
        action=action,
        subject=ref("conductor.run", run.id),
        subject_name=run.code,
        actor=actor,
        now=now,
        body=body,
        links=[run.subject] if run.subject else [],
    )
