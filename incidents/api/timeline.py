"""The timeline: read it, post updates, record decisions."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Field, Router
from ninja.responses import Status

from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, reading, selectors
from incidents.api.schemas import DecisionIn, EventOut, TimelineOut, TimelineView, UpdateIn
from incidents.models import Incident

router = Router(tags=["incidents"])


@router.get("/{number}/timeline", response=TimelineOut, operation_id="get_timeline")
def get_timeline(
    request: TenantRequest,
    number: int,
    before: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    view: TimelineView = TimelineView.ALL,
) -> Any:
    """Entries, newest first."""
    incident = _incident(request, number)
    page = selectors.timeline_page(incident=incident, before=before, limit=limit, view=view)
    return {"items": page.entries, "next_before": page.next_before}


@router.post("/{number}/updates", response={201: EventOut}, operation_id="post_update")
def post_update(request: TenantRequest, number: int, payload: UpdateIn) -> Any:
    """Say what is going on."""
    event = lifecycle.post_update(
        incident=_incident(request, number), text=payload.text, actor=request.actor, now=now()
    )
    return Status(201, event)


@router.post("/{number}/decisions", response={201: EventOut}, operation_id="record_decision")
def record_decision(request: TenantRequest, number: int, payload: DecisionIn) -> Any:
    """Record a decision, or a decision not to, with who agreed."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="respond")
    agreed_by = [selectors.find_person(name=name) for name in payload.agreed_by]
    event = lifecycle.record_decision(
        incident=incident, text=payload.text, agreed_by=agreed_by, actor=request.actor, now=now()
    )
    return Status(201, event)


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())
