"""Incidents: list, declare, read, move, classify, acknowledge."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from conductor.api.inputs import Limit
from conductor.api.paging import page
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import require
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.hub.selectors import HubFilter, filtered, with_columns
from incidents.incident import classification
from incidents.incident import lifecycle as incident_lifecycle
from incidents.incident import status as incident_status
from incidents.models.incident import Incident
from incidents.record.schemas import (
    AcknowledgementIn,
    ClassificationIn,
    DeclareIn,
    IncidentKind,
    IncidentOut,
    IncidentPage,
    IncidentSeverity,
    IncidentStatus,
    TransitionIn,
)

router = Router(tags=["incidents"])


@router.get("", response=IncidentPage, operation_id="list_incidents")
def list_incidents(
    request: TenantRequest,
    status: IncidentStatus | None = None,
    severity: IncidentSeverity | None = None,
    kind: IncidentKind | None = None,
    service: str = "",
    q: str = "",
    cursor: str = "",
    limit: Limit = 50,
) -> Any:
    """Incidents, newest number first."""
    require(actor=request.actor, permission="view_incidents")
    filters = HubFilter(
        q=q,
        statuses=(status.value,) if status else (),
        severities=(severity.value,) if severity else (),
        service=service,
        kind=kind.value if kind else "",
    )
    found = with_columns(filtered(filters=filters))
    return page(found, key="number", cursor=cursor, limit=limit)


@router.post("", response={201: IncidentOut, 200: IncidentOut}, operation_id="declare_incident")
def declare_incident(request: TenantRequest, payload: DeclareIn) -> Any:
    """Declare an incident: 201. With the dedup_key of one that is unresolved: 200, and that one."""
    asked = payload.dict()
    asked["visibility"] = "PRIVATE" if asked.pop("private") else "NORMAL"
    asked["environment"] = _environment(asked["environment"])
    incident, is_new = incident_lifecycle.declare_incident(
        tenant_id=request.tenant.id, actor=request.actor, now=now(), **asked
    )
    return Status(201 if is_new else 200, incident)


@router.get("/{number}", response=IncidentOut, operation_id="get_incident")
def get_incident(request: TenantRequest, number: int) -> Any:
    """One incident."""
    return _incident(request, number)


@router.post("/{number}/transitions", response=IncidentOut, operation_id="move_incident")
def move_incident(request: TenantRequest, number: int, payload: TransitionIn) -> Any:
    """Move the status. At that status already: nothing is written. 409 names what is allowed, and every guard unmet."""
    return incident_status.move_incident(
        incident=_incident(request, number),
        to=payload.to,
        reason=payload.reason,
        closure=payload.closure or "",
        override=payload.override,
        actor=request.actor,
        now=now(),
    )


@router.post("/{number}/classification", response=IncidentOut, operation_id="classify_incident")
def classify_incident(request: TenantRequest, number: int, payload: ClassificationIn) -> Any:
    """Change severity, type or service; each change is an entry of the timeline."""
    return classification.classify_incident(
        incident=_incident(request, number), actor=request.actor, now=now(), **payload.dict()
    )


@router.post("/{number}/acknowledgement", response=IncidentOut, operation_id="acknowledge_incident")
def acknowledge_incident(request: TenantRequest, number: int, payload: AcknowledgementIn) -> Any:
    """Say that somebody has seen it. Acknowledged already: nothing is written."""
    return incident_lifecycle.acknowledge_incident(
        incident=_incident(request, number), actor=request.actor, now=now(), take_command=payload.take_command
    )


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())


def _environment(slug: str) -> Environment | None:
    if not slug:
        return None
    environment = Environment.objects.filter(slug=slug).first()
    if environment is None:
        known = ", ".join(Environment.objects.order_by("slug").values_list("slug", flat=True))
        raise Invalid(fields={"environment": [f"There is no environment {slug}. There are {known}."]})
    return environment
