"""Runs: list, read, cancel, retry, decide, signal; the backlog and the workflows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Router, Schema
from pydantic import StringConstraints

from conductor.api.inputs import Input, Limit, Line, Reason
from conductor.api.paging import page
from conductor.api.requests.answers import redrawn_by
from conductor.engine import selectors
from conductor.engine.define import registry
from conductor.engine.lifecycle import operating
from conductor.engine.lifecycle.answering import NAME_CHARACTERS, decide_wait, send_signal
from conductor.engine.models import Run
from conductor.engine.operate import accounts
from conductor.engine.operate.backlog import backlogs
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["runs"])


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class LogLineOut(Schema):
    """One line; fields of its own come beside these."""

    model_config = {"extra": "allow"}

    at: datetime
    level: str
    message: str


class TryOut(Schema):
    number: int
    worker: str
    outcome: str
    error: str
    started_at: datetime
    finished_at: datetime | None
    log: list[LogLineOut]
    decisions: list[UUID]


class StepOut(Schema):
    """A step, the head of a group, or one of its items."""

    id: UUID
    seq: int
    item: int | None
    """Place in the group's list, from 0; null for steps and heads of groups."""
    place: str
    """`3`, or `3.0` for the first item of the group at place 3."""
    name: str
    status: StepStatus
    is_group: bool
    is_cleanup: bool
    undoes: int | None
    idempotency_key: str
    source_digest: str
    given: Any
    tries: int
    attempts: list[TryOut]
    output: dict[str, Any] | None
    error: dict[str, Any] | None
    wait: dict[str, Any] | None
    next_try_at: datetime | None
    """After a failed try: when the next one is due."""
    started_at: datetime | None
    finished_at: datetime | None


class SignalOut(Schema):
    id: UUID
    name: str
    payload: dict[str, Any]
    sent_by_name: str
    sent_at: datetime
    taken_by: str | None
    taken_at: datetime | None


class PolicyDecisionOut(Schema):
    id: UUID
    action: str
    allow: bool
    reasons: list[str]
    subject: str
    decided_at: datetime


class RunOut(Schema):
    id: UUID
    code: str
    number: int
    workflow: str
    workflow_version: int
    title: str
    status: RunStatus
    priority: str
    subject: str
    started_by_name: str
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @staticmethod
    def resolve_priority(run: Any) -> str:
        return str(run["priority"] if isinstance(run, dict) else run.get_priority_display().lower())


class RunDetailOut(RunOut):
    """Inputs, outputs, errors and log lines are shown without what looks like a secret."""

    workflow_digest: str
    code_digest: str
    input: dict[str, Any]
    output: dict[str, Any] | None
    steps: list[StepOut]
    signals: list[SignalOut]
    decisions: list[PolicyDecisionOut]


class RunPage(Schema):
    items: list[RunOut]
    next_cursor: str


class BacklogOut(Schema):
    priority: str
    due: int
    oldest_seconds: float
    at_work: int


class WorkflowOut(Schema):
    name: str
    version: int
    title: str
    priority: str
    source_digest: str
    steps: list[str]
    input_schema: dict[str, Any] | None


class CancelIn(Input):
    reason: Reason = ""


class RunDecisionIn(Input):
    approve: bool
    reason: Reason
    step: UUID | None = None
    """Id of the waiting item, where several wait."""


class SignalIn(Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARACTERS)]
    payload: dict[str, Any] = {}
    dedup_key: Line = ""
    """A repeat with the same key changes nothing."""


@router.get("", response=RunPage, operation_id="list_runs")
def list_runs(
    request: TenantRequest, status: RunStatus | None = None, workflow: str = "", cursor: str = "", limit: Limit = 50
) -> Any:
    """Runs, newest first."""
    require(actor=request.actor, permission="view_runs")
    runs = Run.objects.all()
    if status:
        runs = runs.filter(status=status.value)
    if workflow:
        runs = runs.filter(workflow=workflow)
    return page(runs, key="number", cursor=cursor, limit=limit)


@router.get("/backlog", response=list[BacklogOut], operation_id="get_backlog")
def get_backlog(request: TenantRequest) -> Any:
    """What of this tenant is due and what is at work, per priority."""
    require(actor=request.actor, permission="view_runs")
    return [accounts.of_backlog(each) for each in backlogs(now=now())]


@router.get("/workflows", response=list[WorkflowOut], operation_id="list_workflows")
def list_workflows(request: TenantRequest) -> Any:
    """The workflows that this installation knows, each with the digest of its source."""
    require(actor=request.actor, permission="view_runs")
    return [
        {
            "name": each.name,
            "version": each.version,
            "title": each.title,
            "priority": each.priority,
            "source_digest": registry.digest(each),
            "steps": [place.name for place in each.plan],
            "input_schema": each.input.model_json_schema() if each.input else None,
        }
        for each in registry.workflows()
    ]


@router.get("/{number}", response=RunDetailOut, operation_id="get_run")
def get_run(request: TenantRequest, number: int) -> Any:
    """One run with its steps."""
    require(actor=request.actor, permission="view_runs")
    return _detail(_run(number))


@router.post("/{number}/cancellation", response=RunDetailOut, operation_id="cancel_run")
@redrawn_by(lambda _request, number, **_given: _detail(_run(number)))
def cancel_run(request: TenantRequest, number: int, payload: CancelIn) -> Any:
    """End a run that is not over."""
    run = operating.cancel_run(run=_run(number), actor=request.actor, reason=payload.reason, now=now())
    return _detail(run)


@router.post("/{number}/retry", response=RunDetailOut, operation_id="retry_run")
@redrawn_by(lambda _request, number, **_given: _detail(_run(number)))
def retry_run(request: TenantRequest, number: int) -> Any:
    """Queue a failed run again from the step that failed."""
    return _detail(operating.retry_run(run=_run(number), actor=request.actor, now=now()))


@router.post("/{number}/decision", response=RunDetailOut, operation_id="decide_run")
@redrawn_by(lambda _request, number, **_given: _detail(_run(number)))
def decide_run(request: TenantRequest, number: int, payload: RunDecisionIn) -> Any:
    """Approve or reject what the run waits for."""
    run = decide_wait(
        run=_run(number),
        approve=payload.approve,
        reason=payload.reason,
        step_id=payload.step,
        actor=request.actor,
        now=now(),
    )
    return _detail(run)


@router.post("/{number}/signals", response=RunDetailOut, operation_id="signal_run")
@redrawn_by(lambda _request, number, **_given: _detail(_run(number)))
def signal_run(request: TenantRequest, number: int, payload: SignalIn) -> Any:
    """Send the run a named signal; it is kept until a step waits for its name."""
    send_signal(
        run=_run(number),
        name=payload.name,
        payload=payload.payload,
        dedup_key=payload.dedup_key,
        actor=request.actor,
        now=now(),
    )
    return _detail(_run(number))


def _run(number: int) -> Run:
    run = selectors.run_with_steps(number=number)
    if run is None:
        raise NotFound
    return run


def _detail(run: Run) -> dict[str, Any]:
    """Read the run anew: a verb has changed its steps."""
    return accounts.in_full(_run(run.number))
