"""The doors of tickets on the pages of incidents and action items."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.requests import TenantRequest
from incidents.access.selectors import incident_by_number
from incidents.followups.selectors import action_item_by_number
from incidents.followups.ticket_selectors import ticket_by_id, tracker_named
from incidents.followups.ticket_state import Subject
from incidents.followups.tickets import open_ticket, sync_ticket_now, track_ticket, untrack_ticket

RESPOND = "respond"


@require_POST
@door(permission=RESPOND)
def of_incident(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Open a ticket about the incident, or link one that exists."""
    subject = Subject(incident_by_number(number=number))
    _open_or_link(request, subject)
    return _back(tenant, subject)


@require_POST
@door(permission=RESPOND)
def of_action_item(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Open a ticket about the action item, or link one that exists."""
    item = action_item_by_number(number=number)
    subject = Subject(item.incident, item)
    _open_or_link(request, subject)
    return _back(tenant, subject)


@require_POST
@door(permission=RESPOND)
def step(request: TenantRequest, tenant: str, ticket_id: UUID, step: str) -> HttpResponse:
    """Compare the ticket now, or follow it no more."""
    found, subject = ticket_by_id(ticket_id=ticket_id)
    if step == "sync":
        sync_ticket_now(ticket=found, actor=request.actor, now=now())
    elif step == "end":
        untrack_ticket(ticket=found, actor=request.actor, now=now())
    else:
        raise NotFound("A ticket can be compared, or no longer followed.")
    return _back(tenant, subject)


def _open_or_link(request: TenantRequest, subject: Subject) -> None:
    tracker = tracker_named(incident=subject.incident, name=request.POST.get("tracker", ""))
    if request.POST.get("as") == "link":
        text = request.POST.get("ticket", "")
        track_ticket(subject=subject, adapter=tracker, text=text, actor=request.actor, now=now())
    else:
        open_ticket(subject=subject, adapter=tracker, actor=request.actor, now=now())


def _back(tenant: str, subject: Subject) -> HttpResponse:
    if subject.item is not None:
        return redirect("incidents:action_item", tenant, subject.item.number)
    response = redirect("incidents:detail", tenant, subject.incident.number)
    response["Location"] += "?tab=tickets"
    return response
