"""Tickets of incidents and action items: list, open, link, compare, follow no more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Router
from ninja.responses import Status

from conductor.api.requests.answers import redrawn_by
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access.selectors import incident_by_number
from incidents.followups.selectors import action_item_by_number
from incidents.followups.ticket_schemas import TicketIn, TicketOut
from incidents.followups.ticket_selectors import TicketShown, ticket_by_id, tickets_of, tickets_of_item, tracker_named
from incidents.followups.ticket_state import Subject
from incidents.followups.tickets import open_ticket, sync_ticket_now, track_ticket, untrack_ticket

router = Router(tags=["incidents"])


@router.get("/action-items/{item}/tickets", response=list[TicketOut], operation_id="list_action_item_tickets")
def list_action_item_tickets(request: TenantRequest, item: int) -> Any:
    """The tickets that stand for an action item."""
    require(actor=request.actor, permission="view_incidents")
    found = action_item_by_number(number=item)
    return [TicketOut.of(each) for each in tickets_of_item(item=found)]


@router.post("/action-items/{item}/tickets", response={201: TicketOut}, operation_id="add_action_item_ticket")
@redrawn_by(lambda request, id, **_given: _ticket(request, id), keeps=("id",))
def add_action_item_ticket(request: TenantRequest, item: int, payload: TicketIn) -> Any:
    """Have a ticket opened for the action item, or link one that exists."""
    require(actor=request.actor, permission="view_incidents")
    found = action_item_by_number(number=item)
    return _added(request, Subject(found.incident, found), payload)


@router.post("/tickets/{ticket_id}/sync", response=TicketOut, operation_id="sync_ticket")
@redrawn_by(lambda request, ticket_id: _ticket(request, ticket_id))
def sync_ticket(request: TenantRequest, ticket_id: UUID) -> Any:
    """Compare it with what it is about, now. 409 where the tracker does not answer."""
    require(actor=request.actor, permission="view_incidents")
    found, subject = ticket_by_id(ticket_id=ticket_id)
    told = sync_ticket_now(ticket=found, actor=request.actor, now=now())
    return TicketOut.of(TicketShown(told, subject.item.code if subject.item else ""))


@router.delete("/tickets/{ticket_id}", response={204: None}, operation_id="end_ticket")
def end_ticket(request: TenantRequest, ticket_id: UUID) -> Any:
    """Stop following it; in the tracker it stays as it is."""
    require(actor=request.actor, permission="view_incidents")
    found, _subject = ticket_by_id(ticket_id=ticket_id)
    untrack_ticket(ticket=found, actor=request.actor, now=now())
    return Status(204, None)


@router.get("/{number}/tickets", response=list[TicketOut], operation_id="list_incident_tickets")
def list_incident_tickets(request: TenantRequest, number: int) -> Any:
    """The tickets of an incident and of its action items."""
    require(actor=request.actor, permission="view_incidents")
    found = incident_by_number(number=number)
    return [TicketOut.of(each) for each in tickets_of(incident=found)]


@router.post("/{number}/tickets", response={201: TicketOut}, operation_id="add_incident_ticket")
@redrawn_by(lambda request, id, **_given: _ticket(request, id), keeps=("id",))
def add_incident_ticket(request: TenantRequest, number: int, payload: TicketIn) -> Any:
    """Have a ticket opened for the incident, or link one that exists."""
    require(actor=request.actor, permission="view_incidents")
    return _added(request, Subject(incident_by_number(number=number)), payload)


def _added(request: TenantRequest, subject: Subject, payload: TicketIn) -> Any:
    require(actor=request.actor, permission="respond")
    tracker = tracker_named(incident=subject.incident, name=payload.tracker)
    told: dict[str, Any] = {"subject": subject, "adapter": tracker, "actor": request.actor, "now": now()}
    ticket = track_ticket(**told, text=payload.ticket) if payload.ticket else open_ticket(**told)
    return Status(201, TicketOut.of(TicketShown(ticket, subject.item.code if subject.item else "")))


def _ticket(request: TenantRequest, ticket_id: UUID | str) -> Any:
    require(actor=request.actor, permission="view_incidents")
    found, subject = ticket_by_id(ticket_id=UUID(str(ticket_id)))
    return TicketOut.of(TicketShown(found, subject.item.code if subject.item else ""))
