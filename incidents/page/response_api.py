"""The response through the API: merging, links, tasks, visibility, reporting obligations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import File, Form, Router
from ninja.files import UploadedFile
from ninja.responses import Status

from conductor.api.requests.answers import redrawn_by
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import lifecycle as access_lifecycle
from incidents.access import reading
from incidents.access.people import find_person
from incidents.incident import merge
from incidents.links import by_code
from incidents.links import lifecycle as links_lifecycle
from incidents.links.selectors import link_of, links_of
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import Task
from incidents.record.schemas import IncidentOut
from incidents.record.uploads import read_upload
from incidents.reporting import lifecycle as reporting_lifecycle
from incidents.response import tasks
from incidents.response.schemas import (
    DutyDecisionIn,
    FilingIn,
    LinkEndIn,
    LinkIn,
    LinkOut,
    MergeIn,
    MomentIn,
    ObligationOut,
    TaskChangeIn,
    TaskIn,
    TaskOut,
    VisibilityIn,
)

router = Router(tags=["incidents"])


@router.post("/{number}/merge", response=IncidentOut, operation_id="merge_incident")
def merge_incident(request: TenantRequest, number: int, payload: MergeIn) -> Any:
    """Make it a duplicate of another incident. 409 names everything that stands against it."""
    incident, into = _incident(request, number), _incident(request, payload.into)
    return merge.merge_incident(incident=incident, into=into, reason=payload.reason, actor=request.actor, now=now())


@router.get("/{number}/links", response=list[LinkOut], operation_id="list_links")
def list_links(request: TenantRequest, number: int) -> Any:
    """What it is linked to, how, by whose word and since when; ended links too."""
    return links_of(incident=_incident(request, number))


@router.post("/{number}/links", response={201: LinkOut}, operation_id="link_record")
@redrawn_by(lambda request, number, id, **_given: _link(request, number, UUID(id)), keeps=("id",))
def link_record(request: TenantRequest, number: int, payload: LinkIn) -> Any:
    """Tie it to another incident, a run, a bundle, a resource or a page. Tied already: that link is returned."""
    edge = by_code.link_record(
        incident=_incident(request, number),
        target=payload.target,
        kind=payload.kind or "",
        reason=payload.reason,
        actor=request.actor,
        now=now(),
    )
    return Status(201, edge)


@router.post("/{number}/links/{link_id}/end", response=LinkOut, operation_id="end_link")
@redrawn_by(lambda request, number, link_id, **_given: _link(request, number, link_id))
def end_link(request: TenantRequest, number: int, link_id: UUID, payload: LinkEndIn) -> Any:
    """End a link that somebody made; it stays on record. Ended already: nothing happens."""
    incident = _incident(request, number)
    edge = link_of(incident=incident, edge_id=link_id)
    links_lifecycle.end_link(incident=incident, edge=edge, reason=payload.reason, actor=request.actor, now=now())
    return link_of(incident=incident, edge_id=link_id)


@router.get("/{number}/tasks", response=list[TaskOut], operation_id="list_tasks")
def list_tasks(request: TenantRequest, number: int) -> Any:
    """What is to be done while it lasts."""
    return Task.objects.filter(incident=_incident(request, number))


@router.post("/{number}/tasks", response={201: TaskOut}, operation_id="add_task")
def add_task(request: TenantRequest, number: int, payload: TaskIn) -> Any:
    """Add a task; a blocking one holds the incident open."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="respond")
    task = tasks.add_task(
        incident=incident,
        title=payload.title,
        assignee=find_person(name=payload.assignee) if payload.assignee else None,
        is_blocking=payload.blocking,
        actor=request.actor,
        now=now(),
    )
    return Status(201, task)


@router.post("/{number}/tasks/{task}", response=TaskOut, operation_id="change_task")
def change_task(request: TenantRequest, number: int, task: int, payload: TaskChangeIn) -> Any:
    """Change a task's state: OPEN, DOING, BLOCKED, DONE or CANCELED."""
    incident = _incident(request, number)
    found = Task.objects.select_related("incident").filter(incident=incident, number=task).first()
    if found is None:
        raise NotFound
    return tasks.change_task(task=found, state=payload.state, actor=request.actor, now=now())


@router.post("/{number}/visibility", response=IncidentOut, operation_id="set_visibility")
def set_visibility(request: TenantRequest, number: int, payload: VisibilityIn) -> Any:
    """Make it private, or open it to everybody here."""
    return access_lifecycle.set_visibility(
        incident=_incident(request, number),
        visibility="PRIVATE" if payload.private else "NORMAL",
        reason=payload.reason,
        actor=request.actor,
        now=now(),
    )


@router.get("/{number}/obligations", response=list[ObligationOut], operation_id="list_obligations")
def list_obligations(request: TenantRequest, number: int) -> Any:
    """Reporting obligations, each with its due date and how that is derived."""
    return Obligation.objects.filter(incident=_incident(request, number)).order_by("regime", "armed_at", "id")


@router.post("/{number}/obligations/decide", response=list[ObligationOut], operation_id="decide_obligations")
def decide_obligations(request: TenantRequest, number: int, payload: DutyDecisionIn) -> Any:
    """Sign whether a regime applies. A decision not to report is asked again when its facts change."""
    return reporting_lifecycle.decide_obligations(
        incident=_incident(request, number), actor=request.actor, now=now(), **payload.dict()
    )


@router.post("/{number}/obligations/moments", response=list[ObligationOut], operation_id="assert_reporting_moment")
def assert_reporting_moment(request: TenantRequest, number: int, payload: MomentIn) -> Any:
    """Assert when something happened that starts a clock; due dates follow."""
    incident = _incident(request, number)
    reporting_lifecycle.assert_reporting_moment(incident=incident, actor=request.actor, now=now(), **payload.dict())
    return Obligation.objects.filter(incident=incident).order_by("regime", "armed_at", "id")


@router.post("/{number}/obligations/{obligation_id}/file", response=ObligationOut, operation_id="file_obligation")
def file_obligation(
    request: TenantRequest, number: int, obligation_id: UUID, payload: Form[FilingIn], submitted: File[UploadedFile]
) -> Any:
    """Record that a report was filed, with what was submitted (20 MB at most). Filed already: nothing changes."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="decide_reporting")
    found = Obligation.objects.select_related("incident").filter(incident=incident, id=obligation_id).first()
    if found is None:
        raise NotFound(f"{incident.code} has no such reporting obligation.")
    moment = now()
    return reporting_lifecycle.file_obligation(
        obligation=found,
        submitted=read_upload(submitted),
        reference=payload.reference,
        late_reason=payload.late_reason,
        filed_at=payload.filed_at or moment,
        actor=request.actor,
        now=moment,
    )


def _link(request: TenantRequest, number: int, link_id: UUID) -> Any:
    return link_of(incident=_incident(request, number), edge_id=link_id)


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())
