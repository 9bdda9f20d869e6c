"""Runs: list, read, cancel, retry, decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ninja import Field, Router, Schema

from conductor.api.paging import page
from conductor.engine import lifecycle, selectors
from conductor.engine.models import Run
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


class StepOut(Schema):
    seq: int
    name: str
    status: StepStatus
    tries: int = Field(alias="try_count")
    output: dict[str, Any] | None
    error: dict[str, Any] | None
    wait: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None


class RunOut(Schema):
    id: UUID
    code: str
    number: int
    workflow: str
    workflow_version: int
    title: str
    status: RunStatus
    subject: str
    started_by_name: str
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunDetailOut(RunOut):
    input: dict[str, Any]
    steps: list[StepOut]


class RunPage(Schema):
    items: list[RunOut]
    next_cursor: str


class CancelIn(Schema):
    reason: str = ""


class RunDecisionIn(Schema):
    approve: bool
    reason: str


@router.get("", response=RunPage, operation_id="list_runs")
def list_runs(
    request: TenantRequest, status: RunStatus | None = None, workflow: str = "", cursor: str = "", limit: int = 50
) -> Any:
    """Runs, newest first."""
    require(actor=request.actor, permission="view_runs")
    runs = Run.objects.all()
    if status:
        runs = runs.filter(status=status.value)
    if workflow:
        runs = runs.filter(workflow=workflow)
    return page(runs, key="number", cursor=cursor, limit=limit)


@router.get("/{number}", response=RunDetailOut, operation_id="get_run")
def get_run(request: TenantRequest, number: int) -> Any:
    """One run with its steps."""
    require(actor=request.actor, permission="view_runs")
    return _detail(_run(number))


@router.post("/{number}/cancellation", response=RunDetailOut, operation_id="cancel_run")
def cancel_run(request: TenantRequest, number: int, payload: CancelIn) -> Any:
    """End a run that is not over."""
    run = lifecycle.cancel_run(run=_run(number), actor=request.actor, reason=payload.reason, now=now())
    return _detail(run)


@router.post("/{number}/retry", response=RunDetailOut, operation_id="retry_run")
def retry_run(request: TenantRequest, number: int) -> Any:
    """Queue a failed run again from the step that failed."""
    return _detail(lifecycle.retry_run(run=_run(number), actor=request.actor, now=now()))


@router.post("/{number}/decision", response=RunDetailOut, operation_id="decide_run")
def decide_run(request: TenantRequest, number: int, payload: RunDecisionIn) -> Any:
    """Approve or reject what the run waits for."""
    run = lifecycle.decide_wait(
        run=_run(number),
        approve=payload.approve,
        reason=payload.reason,
        actor=request.actor,
        now=now(),
    )
    return _detail(run)


def _run(number: int) -> Run:
    run = Run.objects.filter(number=number).first()
    if run is None:
        raise NotFound
    return run


def _detail(run: Run) -> dict[str, Any]:
    fields = {name: getattr(run, name) for name in (*RunOut.model_fields, "input")}
    return {**fields, "steps": selectors.steps_of(run=run)}
