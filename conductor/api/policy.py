"""Policy: decisions as events of OPA's decision log, rules of the organisation's own, simulations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from conductor.api.inputs import Input, Limit, Line, Reason
from conductor.api.paging import page
from conductor.api.requests.answers import redrawn_by
from conductor.engine.operate.simulations import Selection, start_simulation
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.lib.moments import Moment
from conductor.policy import selectors
from conductor.policy.candidate import FILE_BYTES, FILES, Candidate, candidate_of_files, candidate_with
from conductor.policy.decision_log import event_of
from conductor.policy.lifecycle import activate_policy, retire_policy, upload_policy
from conductor.policy.models import PolicySimulation
from conductor.policy.simulation import tally_from_json
from conductor.policy.tenant_rules import own, rules_in_force
from conductor.policy.uploads import REGO_BYTES
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["policy"])


class DecisionPage(Schema):
    """Events in the shape of OPA's decision log (docs/reference/policies.md)."""

    items: list[dict[str, Any]]
    next_cursor: str


class PolicyOut(Schema):
    id: UUID
    name: str
    version: int
    purpose: str
    state: str
    digest: str
    rego: str
    data: dict[str, Any]
    uploaded_at: datetime
    uploaded_by: str
    activated_at: datetime | None
    activated_by: str
    retired_at: datetime | None
    retired_by: str
    retired_reason: str


class PolicyPage(Schema):
    items: list[PolicyOut]
    next_cursor: str


class UploadIn(Input):
    name: Line
    purpose: Line
    rego: Annotated[str, StringConstraints(max_length=REGO_BYTES)]
    data: dict[str, Any] = Field(default_factory=dict)


class ActivationIn(Input):
    reviewed_digest: Line
    """The digest of the rules that you read."""


class RetirementIn(Input):
    reason: Reason


class SimulationIn(Input):
    """Either a version of own rules, or files of rules with the data of each policy by its name."""

    policy_id: UUID | None = None
    files: dict[str, Annotated[str, StringConstraints(max_length=FILE_BYTES)]] = Field(
        default_factory=dict, max_length=FILES
    )
    data: dict[str, dict[str, Any]] = Field(default_factory=dict)
    since: Moment | None = None
    until: Moment | None = None
    actions: list[Line] = Field(default_factory=list, max_length=1000)
    title: Line = ""


class SimulationOut(Schema):
    number: int
    code: str
    title: str
    run: str
    candidate_digest: str
    selection: dict[str, Any]
    total: int
    done: int
    started_by: str
    created_at: datetime
    finished_at: datetime | None
    gate: str
    """passed, failed, or untried; final once finished_at is set."""
    counts: dict[str, int]
    mutations: int
    opened: int


class SimulationDetailOut(SimulationOut):
    cases: list[dict[str, Any]]
    openings: list[dict[str, Any]]


class SimulationPage(Schema):
    items: list[SimulationOut]
    next_cursor: str


@router.get("/decisions", response=DecisionPage, operation_id="list_decisions")
def list_decisions(
    request: TenantRequest,
    action: str = "",
    allow: bool | None = None,
    code: str = "",
    actor: str = "",
    subject: str = "",
    cursor: str = "",
    limit: Limit = 50,
) -> Any:
    """Decisions, newest first; of one action, answer, reason's code, actor or subject if named."""
    require(actor=request.actor, permission="view_evidence")
    found = selectors.decisions(action=action, allow=allow, code=code, actor=actor, subject=subject)
    rows = page(found, key="id", cursor=cursor, limit=limit)
    return {"items": [event_of(row) for row in rows.items], "next_cursor": rows.next_cursor}


@router.get("/decisions/{decision_id}", response=dict[str, Any], operation_id="get_decision")
def get_decision(request: TenantRequest, decision_id: UUID) -> Any:
    """One decision, as an event of OPA's decision log; its secrets are erased."""
    require(actor=request.actor, permission="view_evidence")
    return event_of(selectors.decision_by_id(decision_id))


@router.get("/rules", response=PolicyPage, operation_id="list_policies")
def list_policies(request: TenantRequest, state: str = "", cursor: str = "", limit: Limit = 50) -> Any:
    """Rules of the organisation's own, every version, newest first."""
    require(actor=request.actor, permission="view_evidence")
    found = selectors.policies()
    return page(found.filter(state=state) if state else found, key="id", cursor=cursor, limit=limit)


@router.post("/rules", response={201: PolicyOut}, operation_id="upload_policy")
def upload(request: TenantRequest, payload: UploadIn) -> Any:
    """Keep rules as a draft. 422 in the engine's words for what does not compile, does not finish or is not rules."""
    kept = upload_policy(tenant_id=request.tenant.id, **payload.dict(), actor=request.actor, now=now())
    return Status(201, kept)


@router.get("/rules/{policy_id}", response=PolicyOut, operation_id="get_policy")
def get_policy(request: TenantRequest, policy_id: UUID) -> Any:
    """One version of own rules."""
    require(actor=request.actor, permission="view_evidence")
    return selectors.policy_by_id(policy_id)


@router.post("/rules/{policy_id}/activation", response=PolicyOut, operation_id="activate_policy")
def activate(request: TenantRequest, policy_id: UUID, payload: ActivationIn) -> Any:
    """Put a draft in force that somebody else uploaded, naming the digest that you read."""
    policy = selectors.policy_by_id(policy_id)
    return activate_policy(policy=policy, reviewed_digest=payload.reviewed_digest, actor=request.actor, now=now())


@router.post("/rules/{policy_id}/retirement", response=PolicyOut, operation_id="retire_policy")
def retire(request: TenantRequest, policy_id: UUID, payload: RetirementIn) -> Any:
    """Take rules out of force, or give up a draft."""
    policy = selectors.policy_by_id(policy_id)
    return retire_policy(policy=policy, reason=payload.reason, actor=request.actor, now=now())


@router.get("/simulations", response=SimulationPage, operation_id="list_simulations")
def list_simulations(request: TenantRequest, cursor: str = "", limit: Limit = 50) -> Any:
    """Simulations, newest first."""
    require(actor=request.actor, permission="view_evidence")
    rows = page(PolicySimulation.objects.all(), key="number", cursor=cursor, limit=limit)
    return {"items": [_out(each) for each in rows.items], "next_cursor": rows.next_cursor}


@router.post("/simulations", response={201: SimulationDetailOut}, operation_id="start_simulation")
@redrawn_by(lambda _request, number, **_given: _detail(selectors.simulation(int(number))), keeps=("number",))
def start(request: TenantRequest, payload: SimulationIn) -> Any:
    """Replay recorded decisions on other rules; read the simulation for its progress. Enforces nothing."""
    require(actor=request.actor, permission="manage_policies")
    title, candidate = _candidate(request, payload)
    simulation = start_simulation(
        tenant_id=request.tenant.id,
        title=payload.title or title,
        candidate=candidate,
        selection=Selection(payload.since, payload.until, payload.actions),
        actor=request.actor,
        now=now(),
    )
    return Status(201, _detail(simulation))


@router.get("/simulations/{number}", response=SimulationDetailOut, operation_id="get_simulation")
def get_simulation(request: TenantRequest, number: int) -> Any:
    """A simulation as far as it went."""
    require(actor=request.actor, permission="view_evidence")
    return _detail(selectors.simulation(number))


def _candidate(request: TenantRequest, payload: SimulationIn) -> tuple[str, Candidate]:
    in_force = rules_in_force()
    if payload.files:
        made = candidate_of_files(payload.files, data=payload.data, in_force=in_force, tenant=str(request.tenant.id))
        return ", ".join(sorted(payload.files)), made
    if payload.policy_id is None:
        raise Invalid(fields={"policy_id": ["Name a version of your own rules, or bring files."]})
    policy = selectors.policy_by_id(payload.policy_id)
    return policy.code, candidate_with(own(policy), in_force=in_force)


def _out(simulation: PolicySimulation) -> dict[str, Any]:
    tally = tally_from_json(simulation.result)
    kept = [name for name in SimulationOut.model_fields if hasattr(simulation, name)]
    figures = {"gate": tally.gate, "counts": dict(tally.counts), "mutations": tally.mutations, "opened": tally.opened}
    return {**{name: getattr(simulation, name) for name in kept}, **figures}


def _detail(simulation: PolicySimulation) -> dict[str, Any]:
    tally = tally_from_json(simulation.result)
    return {**_out(simulation), "cases": tally.cases, "openings": tally.openings}
