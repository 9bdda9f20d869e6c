"""Verbs on the tickets of incidents and action items: open, link, compare, follow no more.

Each is an edge of the graph and an entry of the timeline. Who moves when ticket and record
differ: ticket_state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import RemoteTicket, TicketState
from adapters.tickets.lifecycle import (
    TicketCompared,
    TicketEnded,
    TrackerFailed,
    end_ticket,
    look_at_ticket,
    move_ticket,
    record_comparison,
    request_ticket,
    tie_ticket,
)
from conductor.engine.lifecycle.starting import start_run
from conductor.graph.lifecycle import ensure_node, link, unlink
from conductor.graph.models import Edge, Node
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.followups.action_items import close_action_item, drop_action_item, reopen_action_item
from incidents.followups.ticket_state import Side, Subject, content_of, side_of, subject_of
from incidents.followups.ticket_sync import carry_to_tickets
from incidents.links.lifecycle import TICKET
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.refusals import IncidentIsHistory
from incidents.record.writer import Entry, touch, write

OPEN_WORKFLOW = "incidents.ticket_open"
PERMISSION = "respond"


class TicketPending(Conflict):
    """The tracker has not confirmed this ticket yet."""

    code = "ticket_pending"


def open_ticket(*, subject: Subject, adapter: AdapterConfig, actor: Actor, now: datetime) -> Ticket:
    """Have a ticket opened in this tracker, once, by a run that is tried again; return it, mostly not there yet."""
    require(actor=actor, permission=PERMISSION)
    if subject.item is None and subject.incident.is_history:
        raise IncidentIsHistory
    slug = Tenant.objects.values_list("slug", flat=True).get(id=adapter.tenant_id)
    content = content_of(subject=subject, tenant_slug=slug)
    with transaction.atomic():
        ticket, _is_new = request_ticket(
            adapter=adapter,
            subject=subject.ref,
            subject_state=subject.state.value,
            content=content,
            actor=actor,
            now=now,
        )
        if ticket.phase == Ticket.Phase.REQUESTED:
            start_run(
                tenant_id=ticket.tenant_id,
                workflow=OPEN_WORKFLOW,
                input={"ticket_id": str(ticket.id)},
                actor=actor,
                now=now,
                subject=subject.incident.ref,
                environment_id=subject.incident.environment_id,
                # As often as it is asked for, one run at a time; another one after that has failed.
                dedup_key=f"{ticket.id}:{ticket.attempts}",
                title=f"Open a ticket for {subject.code} in {adapter.name}"[:200],
            )
    return ticket


def record_ticket(*, ticket: Ticket, actor: Actor, now: datetime) -> bool:
    """Put a ticket that the tracker has confirmed into timeline and graph; return False if it is there already."""
    subject = subject_of(ticket.subject)
    with transaction.atomic():
        incident = _locked(subject.incident)
        said = TimelineEvent.objects.filter(
            incident=incident, kind__in=[EventKind.TICKET_OPENED, EventKind.TICKET_LINKED], data__ticket=str(ticket.id)
        )
        if said.exists():
            return False
        _tie(subject, ticket, actor, now)
        kind = EventKind.TICKET_OPENED if ticket.origin == Ticket.Origin.OPENED else EventKind.TICKET_LINKED
        _say(subject, kind, ticket, {}, actor, now)
        # It may have been closed between the asking and the opening.
        carry_to_tickets(subject=subject_of(ticket.subject), actor=actor, now=now)
    return True


def track_ticket(*, subject: Subject, adapter: AdapterConfig, text: str, actor: Actor, now: datetime) -> Ticket:
    """Tie a ticket that stands in the tracker already, by its name or address. Neither side is moved by that.

    Asks the tracker: not inside a transaction. Raise Invalid about `ticket`, TicketTied, or TrackerFailed.
    """
    require(actor=actor, permission=PERMISSION)
    if subject.item is None and subject.incident.is_history:
        raise IncidentIsHistory
    ticket = tie_ticket(
        adapter=adapter, subject=subject.ref, text=text, subject_state=subject.state.value, actor=actor, now=now
    )
    with tenant_scope(ticket.tenant_id):
        record_ticket(ticket=ticket, actor=actor, now=now)
    return ticket


def sync_ticket(*, ticket: Ticket, actor: Actor, now: datetime, remote: RemoteTicket | None = None) -> Ticket:
    """Compare ticket and record, and have the one follow the other; return the ticket as it is then.

    `remote` is what the tracker has just said, if it has. Asks the tracker: not inside a transaction. Raise
    AdapterError, TicketPending, or TicketCompared where somebody else does the same just now.
    """
    require(actor=actor, permission=PERMISSION)
    if ticket.phase != Ticket.Phase.TRACKED:
        raise TicketEnded if ticket.phase == Ticket.Phase.ENDED else TicketPending
    remote = remote or look_at_ticket(ticket=ticket)
    with tenant_scope(ticket.tenant_id):
        subject = subject_of(ticket.subject)
        side = side_of(ticket=ticket, subject=subject, theirs=remote.state)
        key = f"{ticket.key}-{subject.revision}"
    if side is Side.TICKET:
        comment = f"{subject.code} is {_word(subject.state)} in Maestro Conductor."
        remote = move_ticket(ticket=ticket, state=subject.state, comment=comment, key=key)
    with tenant_scope(ticket.tenant_id), transaction.atomic():
        _settle(ticket, remote, subject, side, actor, now)
    return ticket


def sync_ticket_now(*, ticket: Ticket, actor: Actor, now: datetime) -> Ticket:
    """Compare as sync_ticket does, for somebody who waits for the answer: raise TrackerFailed in place of AdapterError.

    A ticket that the tracker has not confirmed is asked for again.
    """
    require(actor=actor, permission=PERMISSION)
    if ticket.phase in (Ticket.Phase.REQUESTED, Ticket.Phase.FAILED):
        return open_ticket(subject=subject_of(ticket.subject), adapter=ticket.adapter, actor=actor, now=now)
    try:
        return sync_ticket(ticket=ticket, actor=actor, now=now)
    except AdapterError as error:
        raise TrackerFailed(error.message) from error


def untrack_ticket(*, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """Follow the ticket no more: the link ends, the ticket stays in the tracker as it is. Raise TicketEnded."""
    require(actor=actor, permission=PERMISSION)
    subject = subject_of(ticket.subject)
    with transaction.atomic():
        incident = _locked(subject.incident)
        end_ticket(ticket=ticket, actor=actor, now=now)
        _untie(incident, ticket, now)
        if subject.item is not None:
            named = ActionItem.objects.filter(id=subject.item.id, ticket=ticket.name, ticket_url=ticket.url)
            named.update(ticket="", ticket_url="", version=F("version") + 1)
        _say(subject, EventKind.TICKET_UNLINKED, ticket, {}, actor, now)


def _settle(ticket: Ticket, remote: RemoteTicket, subject: Subject, side: Side, actor: Actor, now: datetime) -> None:
    """Write down what the comparison has found, and let the record follow if it is the one to."""
    _locked(subject.incident)
    current = subject_of(ticket.subject)
    if current.state != subject.state:
        raise TicketCompared("The record has changed meanwhile.")
    before = ticket.remote_status
    ours = remote.state if side is Side.RECORD else current.state
    record_comparison(ticket=ticket, remote=remote, subject_state=ours.value, now=now)
    if remote.status != before:
        _say(current, EventKind.TICKET_CHANGED, ticket, {"from": before, "to": remote.status}, actor, now)
    if side is Side.RECORD and current.item is not None:
        _follow(current.item, ticket, remote, now)


def _follow(item: ActionItem, ticket: Ticket, remote: RemoteTicket, now: datetime) -> None:
    """Do to the action item what was done to its ticket, in the tracker's name."""
    there = Actor.system(ticket.adapter.name)
    why = f"{ticket.name} is {remote.status} in {ticket.adapter.name}."
    if remote.state == TicketState.OPEN:
        reopen_action_item(item=item, reason=why, actor=there, now=now)
    elif remote.state == TicketState.DROPPED:
        drop_action_item(item=item, reason=why, actor=there, now=now)
    else:
        close_action_item(item=item, actor=there, now=now)


def _locked(incident: Incident) -> Incident:
    """Return the incident, its row locked. Action items of imported history may have tickets too."""
    return Incident.everything.select_for_update().get(id=incident.id)


def _tie(subject: Subject, ticket: Ticket, actor: Actor, now: datetime) -> None:
    incident = subject.incident
    source = topology.place(incident=incident, now=now)
    target = ensure_node(
        tenant_id=ticket.tenant_id,
        kind=TICKET,
        key=_node_key(ticket),
        name=ticket.name,
        now=now,
        ref=ticket.ref,
        attributes={"url": ticket.url, "tracker": ticket.adapter.name},
    )
    link(tenant_id=ticket.tenant_id, source=source, target=target, kind=Edge.Kind.TRACKED_IN, actor=actor, now=now)
    if subject.item is not None:
        named = ActionItem.objects.filter(id=subject.item.id)
        named.update(ticket=ticket.name, ticket_url=ticket.url, version=F("version") + 1)


def _untie(incident: Incident, ticket: Ticket, now: datetime) -> None:
    """End the edge, unless another record of the incident has the same ticket."""
    refs = [incident.ref, *(item.ref for item in ActionItem.objects.filter(incident=incident))]
    same = Ticket.objects.filter(adapter=ticket.adapter, external_id=ticket.external_id, subject__in=refs)
    if same.filter(ended_at=None).exists():
        return
    node = Node.objects.filter(kind=TICKET, key=_node_key(ticket)).first()
    edge = Edge.objects.filter(source__ref=incident.ref, target=node, kind=Edge.Kind.TRACKED_IN, ended_at=None).first()
    if node is not None and edge is not None:
        unlink(edge=edge, now=now)


def _node_key(ticket: Ticket) -> str:
    return f"{ticket.adapter_id}/{ticket.external_id}"[:200]


def _say(subject: Subject, kind: EventKind, ticket: Ticket, more: dict[str, Any], actor: Actor, now: datetime) -> None:
    about = subject.code if subject.item else ""
    tracker = ticket.adapter.name
    facts = {"ticket": str(ticket.id), "name": ticket.name, "url": ticket.url, "tracker": tracker, "about": about}
    write(
        incident=subject.incident,
        action=str(kind),
        entries=[Entry(kind, data={**facts, **more})],
        actor=actor,
        now=now,
        body={**facts, **more},
        links=[ticket.ref, *([subject.item.ref] if subject.item else [])],
    )
    touch(subject.incident)


def _word(state: TicketState) -> str:
    return state.value.lower()
