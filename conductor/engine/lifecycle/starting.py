"""Starting a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from pydantic import BaseModel, ValidationError

from conductor.engine.claim.wake import wake_after_commit
from conductor.engine.define import registry
from conductor.engine.define.definition import Workflow
from conductor.engine.lifecycle.refusals import WorkflowUnknown, receipt
from conductor.engine.models import Run, Step
from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref
from conductor.observability.tracing import note_run
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.numbers import next_number


@dataclass(frozen=True)
class _Request:
    """What a run is started with, beside its workflow."""

    tenant_id: UUID
    actor: Actor
    now: datetime
    input: dict[str, Any]
    subject: Ref
    environment_id: UUID | None
    dedup_key: str
    title: str


def start_run(
    *,
    tenant_id: UUID,
    workflow: str,
    actor: Actor,
    now: datetime,
    input: Mapping[str, Any] | BaseModel | None = None,
    subject: Ref = "",
    environment_id: UUID | None = None,
    dedup_key: str = "",
    title: str = "",
) -> Run:
    """Queue a run and return it; with a `dedup_key` used before, return the run that it made then.

    Raise WorkflowUnknown, or Invalid where the input is not of the workflow's type.
    Joins the caller's transaction: the run exists if and only if what caused it was committed.
    """
    try:
        definition = registry.workflow(workflow)
    except KeyError as error:
        raise WorkflowUnknown(fields={"workflow": [f"{workflow} is not registered."]}) from error
    if dedup_key and (found := _existing(workflow, dedup_key)):
        return found
    request = _Request(tenant_id, actor, now, _accepted(definition, input), subject, environment_id, dedup_key, title)
    try:
        with transaction.atomic():
            run = _create(definition, request)
    except IntegrityError:
        # Only the dedup key can clash: numbers are given out under a lock. Whoever was first has committed.
        found = _existing(workflow, dedup_key)
        if found is None:
            raise
        return found
    wake_after_commit(priority=run.priority)
    note_run(run.id)
    return run


def _accepted(definition: Workflow, given: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    """Return the input as JSON, with the defaults of its type filled in; raise Invalid, naming each field."""
    if isinstance(given, BaseModel):
        given = given.model_dump(mode="json")
    if definition.input is None:
        return dict(given or {})
    try:
        return definition.input.model_validate(given or {}).model_dump(mode="json")
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for problem in error.errors(include_url=False, include_input=False):
            fields.setdefault(".".join(["input", *map(str, problem["loc"])]), []).append(problem["msg"])
        raise Invalid(f"{definition.name} does not take this input.", fields=fields) from error


def _existing(workflow: str, dedup_key: str) -> Run | None:
    return Run.objects.filter(workflow=workflow, dedup_key=dedup_key).first() if dedup_key else None


def _create(definition: Workflow, request: _Request) -> Run:
    digest = registry.digest(definition)
    run = Run.objects.create(
        tenant_id=request.tenant_id,
        number=next_number(tenant_id=request.tenant_id, series="run"),
        workflow=definition.name,
        workflow_version=definition.version,
        workflow_digest=digest,
        code_digest=digest,
        title=request.title or definition.title,
        priority=Run.Priority[definition.priority.upper()],
        environment_id=request.environment_id,
        input=request.input,
        subject=request.subject,
        dedup_key=request.dedup_key,
        started_by=request.actor.ref,
        started_proof=request.actor.proof.as_dict(),
        started_by_name=request.actor.name,
        wake_at=request.now,
        created_at=request.now,
    )
    Step.objects.bulk_create(
        Step(
            tenant_id=request.tenant_id,
            run=run,
            seq=place.seq,
            name=place.name,
            is_group=place.is_group,
            is_cleanup=place.is_cleanup,
            undoes=place.undoes,
        )
        for place in definition.plan
    )
    body = {"workflow": run.workflow, "version": run.workflow_version, "code_digest": digest}
    receipt(run, "conductor.run.started", request.actor, request.now, body)
    return run
