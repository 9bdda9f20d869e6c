"""Controls: list, read, coverage by bindings, and starting a restore verification."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Router, Schema, Status

from conductor.api.inputs import Input, Line
from conductor.api.runs import RunOut
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest
from controls import lifecycle, selectors
from controls.lifecycle import MOST_DAYS
from controls.models import Control, WorkflowBinding

router = Router(tags=["controls"])


class ControlOut(Schema):
    id: UUID
    key: str
    alias: str
    code: str
    framework: str = Field(alias="framework_id")
    label: str
    group: str
    group_label: str
    is_withdrawn: bool
    workflows: list[str]
    """Workflows that are bound to it now, by name; empty: no workflow produces evidence for it."""

    @staticmethod
    def resolve_workflows(control: Control) -> list[str]:
        known = getattr(control, "live_workflows", None)
        return sorted(selectors.workflows_of(control=control) if known is None else known)


class BindingOut(Schema):
    id: UUID
    workflow: str
    part: WorkflowBinding.Part
    environment: str
    """Slug; empty for every environment."""
    frequency_days: int
    valid_from: datetime
    valid_to: datetime | None

    @staticmethod
    def resolve_environment(binding: WorkflowBinding) -> str:
        return binding.environment.slug if binding.environment else ""


class MappedOut(Schema):
    control: str = Field(alias="control.alias")
    relationship: str
    authority: str


class ControlDetailOut(ControlOut):
    bindings: list[BindingOut]
    mapped: list[MappedOut]

    @staticmethod
    def resolve_bindings(control: Control) -> list[WorkflowBinding]:
        return list(selectors.bindings_of(control=control))

    @staticmethod
    def resolve_mapped(control: Control) -> list[selectors.Mapped]:
        return selectors.mapped_controls(control=control)


class FrameworkCoverageOut(Schema):
    """How many controls of a framework have a live binding. Whether evidence is fresh is with the bundles."""

    framework: str = Field(alias="framework.key")
    controls: int
    primary: int
    supporting_only: int
    uncovered: int


class BindingIn(Input):
    workflow: Line
    part: WorkflowBinding.Part
    frequency_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 90
    environment: Line = ""


class RestoreVerificationIn(Input):
    environment: Line
    adapter: Line = ""


@router.get("", response=list[ControlOut], operation_id="list_controls")
def list_controls(request: TenantRequest, framework: str = "", q: str = "", bound: bool | None = None) -> Any:
    """The catalogue, in its own order; of one framework, with a word in code or label, with or without a workflow."""
    require(actor=request.actor, permission="view_controls")
    return selectors.with_workflows(selectors.controls_of(framework=framework, search=q), is_bound=bound)


@router.get("/coverage", response=list[FrameworkCoverageOut], operation_id="get_binding_coverage")
def get_binding_coverage(request: TenantRequest) -> Any:
    """Controls with and without a workflow, framework by framework."""
    require(actor=request.actor, permission="view_controls")
    return selectors.binding_coverage()


@router.post("/restore-verifications", response={201: RunOut}, operation_id="start_restore_verification")
def start_restore_verification(request: TenantRequest, payload: RestoreVerificationIn) -> Any:
    """Start a backup, restore and comparison of an environment's database. Its evidence arrives as a bundle."""
    run = lifecycle.start_restore_verification(
        tenant_id=request.tenant.id,
        environment=_environment(payload.environment),
        adapter_name=payload.adapter,
        actor=request.actor,
        now=now(),
    )
    return Status(201, run)


@router.get("/{control_id}", response=ControlDetailOut, operation_id="get_control")
def get_control(request: TenantRequest, control_id: str) -> Any:
    """One control by id, key (`SOC2_2017_A1.2`) or alias (`SOC2_A1.2`), with its bindings and mappings."""
    require(actor=request.actor, permission="view_controls")
    return selectors.control_by_id(control_id)


@router.post("/{control_id}/bindings", response={201: BindingOut}, operation_id="bind_workflow")
def bind_workflow(request: TenantRequest, control_id: str, payload: BindingIn) -> Any:
    """State that a workflow produces evidence for the control."""
    binding = lifecycle.bind_workflow(
        tenant_id=request.tenant.id,
        control=selectors.control_by_id(control_id),
        workflow=payload.workflow,
        part=payload.part.value,
        frequency_days=payload.frequency_days,
        environment=_environment(payload.environment) if payload.environment else None,
        actor=request.actor,
        now=now(),
    )
    return Status(201, binding)


@router.delete("/{control_id}/bindings/{binding_id}", response=BindingOut, operation_id="unbind_workflow")
def unbind_workflow(request: TenantRequest, control_id: str, binding_id: UUID, reason: str) -> Any:
    """End a binding: the workflow produces no evidence for the control from now on. Its past stays on record."""
    require(actor=request.actor, permission="view_controls")
    control = selectors.control_by_id(control_id)
    binding = selectors.bindings_of(control=control).filter(id=binding_id).first()
    if binding is None:
        raise NotFound(f"{control} has no such binding.")
    return lifecycle.unbind_workflow(binding=binding, actor=request.actor, reason=reason, now=now())


def _environment(slug: str) -> Environment:
    environment = Environment.objects.filter(slug=slug).first()
    if environment is None:
        raise Invalid(fields={"environment": [f"There is no environment {slug}."]})
    return environment
