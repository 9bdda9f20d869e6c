"""Reads of tickets: of an incident with its action items, of one action item, and the trackers that could hold more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import Port
from conductor.lib.errors import Invalid, NotFound
from conductor.lib.refs import parse_ref
from incidents.followups.ticket_state import Subject
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident

ITEM = "incidents.action_item"


@dataclass(frozen=True)
class TicketShown:
    """A ticket, and what it is about."""

    ticket: Ticket
    about: str
    """`A-3`; empty for one about the incident itself."""


def tickets_of(*, incident: Incident) -> list[TicketShown]:
    """Return the tickets of the incident and its action items that are followed or asked for. One query."""
    items = ActionItem.objects.filter(incident=incident).annotate(
        named=Concat(Value(f"{ITEM}:"), Cast("id", CharField()))
    )
    found = (
        _live()
        .filter(Q(subject=incident.ref) | Q(subject__in=items.values("named")))
        .annotate(item=Subquery(items.filter(named=OuterRef("subject")).values("number")))
    )
    return [TicketShown(each, f"A-{each.item}" if each.item is not None else "") for each in found]


def tickets_of_item(*, item: ActionItem) -> list[TicketShown]:
    """Return the action item's tickets that are followed or asked for. One query."""
    return [TicketShown(ticket, "") for ticket in _live().filter(subject=item.ref)]


def trackers_for(*, incident: Incident) -> list[AdapterConfig]:
    """Return the enabled trackers of the incident's environment, by name. One query."""
    return AdapterConfig.serving(port=Port.TICKETING.value, environment_id=incident.environment_id)


def openable_in(*, trackers: list[AdapterConfig], tickets: list[TicketShown]) -> list[AdapterConfig]:
    """Return the trackers in which no ticket was opened yet. `tickets` are the record's; those with `about` are not."""
    opened = {shown.ticket.adapter_id for shown in tickets if shown.ticket.origin == "OPENED" and not shown.about}
    return [each for each in trackers if each.id not in opened]


def tracker_named(*, incident: Incident, name: str) -> AdapterConfig:
    """Return the tracker by its name or id; without a name the only one there is. Raise Invalid about `tracker`."""
    found = trackers_for(incident=incident)
    chosen = [each for each in found if name in (each.name, str(each.id))] if name else found
    if len(chosen) == 1:
        return chosen[0]
    there = ", ".join(each.name for each in found)
    why = f"Choose one of {there}." if there else "No tracker is connected. An admin connects one under Adapters."
    raise Invalid(fields={"tracker": [why]})


def ticket_by_id(*, ticket_id: UUID) -> tuple[Ticket, Subject]:
    """Return the ticket and what it is about; raise NotFound, also where whoever looks may not see that."""
    ticket = Ticket.objects.select_related("adapter").filter(id=ticket_id).first()
    kind, identifier = parse_ref(ticket.subject) if ticket is not None else ("", "")
    item = None
    seen = Incident.objects.select_related("environment")
    if kind == ITEM:
        item = ActionItem.objects.filter(id=identifier).first()
        incident = seen.filter(id=item.incident_id).first() if item else None
    else:
        incident = seen.filter(id=identifier).first() if identifier else None
    if ticket is None or incident is None:
        raise NotFound("There is no such ticket.")
    if item is not None:
        item.incident = incident
    return ticket, Subject(incident, item)


def _live() -> QuerySet[Ticket]:
    return Ticket.objects.filter(ended_at=None).select_related("adapter").order_by("created_at", "id")


def tickets_context(*, tickets: list[TicketShown], incident: Incident) -> dict[str, Any]:
    """Return what `_tickets.html` shows: the tickets, the trackers, and those that another could be opened in."""
    trackers = trackers_for(incident=incident)
    return {"tickets": tickets, "trackers": trackers, "openable": openable_in(trackers=trackers, tickets=tickets)}
