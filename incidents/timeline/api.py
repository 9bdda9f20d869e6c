"""The timeline: read it, post updates and notes, record decisions, assert milestones."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from ninja import Field, Router
from ninja.responses import Status

from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.access.people import find_person
from incidents.integrity import checks
from incidents.models.history import Milestone
from incidents.models.incident import Incident
from incidents.record.schemas import (
    DecisionIn,
    EventOut,
    MilestoneIn,
    MilestoneName,
    MilestoneOut,
    NoteIn,
    TimelineOut,
    TimelineView,
    UpdateIn,
)
from incidents.timeline import lifecycle as timeline_lifecycle
from incidents.timeline import milestones
from incidents.timeline.schemas import TimelineVerificationOut
from incidents.timeline.selectors import timeline_page

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
    page = timeline_page(incident=incident, before=before, limit=limit, view=view)
    return {"items": page.entries, "next_before": page.next_before}


@router.get("/{number}/timeline/verification", response=TimelineVerificationOut, operation_id="verify_timeline")
def verify_timeline(request: TenantRequest, number: int) -> Any:
    """Whether the timeline is what its digests and receipts say, and the incident what its timeline says."""
    faults = checks.faults_of(incident=_incident(request, number))
    return {"is_verified": not faults, "faults": [{"entry": each.seq or None, "what": each.what} for each in faults]}


@router.post("/{number}/updates", response={201: EventOut}, operation_id="post_update")
def post_update(request: TenantRequest, number: int, payload: UpdateIn) -> Any:
    """Say what is going on."""
    promised = payload.next_update_minutes
    event = timeline_lifecycle.post_update(
        incident=_incident(request, number),
        text=payload.text,
        audience=payload.audience,
        next_update_in=timedelta(minutes=promised) if promised is not None else None,
        actor=request.actor,
        now=now(),
    )
    return Status(201, event)


@router.post("/{number}/notes", response={201: EventOut}, operation_id="add_note")
def add_note(request: TenantRequest, number: int, payload: NoteIn) -> Any:
    """Say what was observed, and when, if that was earlier than now."""
    incident = _incident(request, number)
    return Status(201, timeline_lifecycle.add_note(incident=incident, actor=request.actor, now=now(), **payload.dict()))


@router.get("/{number}/milestones", response=list[MilestoneOut], operation_id="list_milestones")
def list_milestones(request: TenantRequest, number: int) -> Any:
    """What people asserted, newest first; earlier assertions stay."""
    return Milestone.objects.filter(incident=_incident(request, number)).order_by("-recorded_at", "-id")


@router.post("/{number}/milestones/{key}", response={201: MilestoneOut}, operation_id="set_milestone")
def set_milestone(request: TenantRequest, number: int, key: MilestoneName, payload: MilestoneIn) -> Any:
    """Say when something happened; correcting an earlier statement needs a reason."""
    incident = _incident(request, number)
    made = milestones.set_milestone(incident=incident, key=key, actor=request.actor, now=now(), **payload.dict())
    return Status(201, made)


@router.post("/{number}/decisions", response={201: EventOut}, operation_id="record_decision")
def record_decision(request: TenantRequest, number: int, payload: DecisionIn) -> Any:
    """Record a decision, or a decision not to, with who agreed."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="respond")
    agreed_by = [find_person(name=name) for name in payload.agreed_by]
    event = timeline_lifecycle.record_decision(
        incident=incident,
        text=payload.text,
        why=payload.why,
        is_negative=payload.negative,
        agreed_by=agreed_by,
        actor=request.actor,
        now=now(),
    )
    return Status(201, event)


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())
