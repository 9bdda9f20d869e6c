"""Verbs that tie an incident to what it is about: resources, tickets, runs, bundles, other incidents.

A link is an edge of the graph: its kind, who asserted it, and since when. It is ended, never deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.graph.lifecycle import ensure_node, link, unlink
from conductor.graph.models import Edge, Node
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.actors import Actor, require
from incidents.lifecycle import topology
from incidents.lifecycle.refusals import LinkWouldCircle
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, lock, touch, write
from incidents.models import EventKind, Incident

BETWEEN_INCIDENTS = (Edge.Kind.RELATED_TO, Edge.Kind.CAUSED_BY, Edge.Kind.CHILD_OF, Edge.Kind.REGRESSES)
ACYCLIC = (Edge.Kind.CHILD_OF, Edge.Kind.CAUSED_BY, Edge.Kind.REGRESSES)
TICKET = "ticket"


def affect_resource(*, incident: Incident, resource: Node, actor: Actor, now: datetime) -> Edge:
    """Say that the incident affects a resource of the graph. Said already: that edge is returned."""
    if resource.ref:
        raise Invalid(fields={"resource": [f"{resource.name} is no resource."]})
    return _tie(incident, resource, Edge.Kind.AFFECTS, "", actor, now)


def link_incidents(
    *, incident: Incident, other: Incident, kind: str, actor: Actor, now: datetime, reason: str = ""
) -> Edge:
    """Tie the incident to another by one of BETWEEN_INCIDENTS. Raise LinkWouldCircle where that would loop back."""
    if kind not in BETWEEN_INCIDENTS:
        raise Invalid(fields={"kind": [f"Choose one of {', '.join(BETWEEN_INCIDENTS)}."]})
    if other.id == incident.id or (kind in ACYCLIC and _reaches(other, incident, kind)):
        raise LinkWouldCircle
    return _tie(incident, topology.place(incident=other, now=now), kind, reason, actor, now)


def link_ticket(*, incident: Incident, url: str, name: str, actor: Actor, now: datetime) -> Edge:
    """Tie the incident to a ticket somewhere else, by its address."""
    complaints = Complaints()
    address, title = complaints.line("url", url, required=True), complaints.line("name", name, required=True)
    if address and not address.startswith(("https://", "http://")):
        complaints.add("url", "Give the address of a page.")
    complaints.refuse()
    ticket = ensure_node(
        tenant_id=incident.tenant_id,
        kind=TICKET,
        key=address,
        name=title,
        now=now,
        ref=f"incidents.ticket:{address}"[:120],
        attributes={"url": address},
    )
    return _tie(incident, ticket, Edge.Kind.TRACKED_IN, "", actor, now)


def end_link(*, incident: Incident, edge: Edge, actor: Actor, now: datetime, reason: str = "") -> None:
    """End a link of the incident. Ended already: nothing happens."""
    require(actor=actor, permission="respond")
    if edge.source.ref != incident.ref:
        raise NotFound("This link is not one of the incident's.")
    with transaction.atomic():
        locked = lock(incident)
        if unlink(edge=edge, now=now):
            _say(locked, EventKind.LINK_ENDED, edge.target, edge.kind, reason, actor, now)
    incident.refresh_from_db()


def _tie(incident: Incident, target: Node, kind: str, reason: str, actor: Actor, now: datetime) -> Edge:
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        source = topology.place(incident=locked, now=now)
        known = Edge.objects.filter(source=source, target=target, kind=kind, ended_at=None).first()
        if known is not None:
            return known
        edge = link(tenant_id=locked.tenant_id, source=source, target=target, kind=kind, actor=actor, now=now)
        _say(locked, EventKind.LINK_ADDED, target, kind, why, actor, now)
    incident.refresh_from_db()
    return edge


def _say(
    incident: Incident, event: EventKind, target: Node, kind: str, reason: str, actor: Actor, now: datetime
) -> None:
    data: dict[str, Any] = {"kind": str(kind), "name": target.name, "node": str(target.id)}
    write(
        incident=incident,
        action=str(event),
        entries=[Entry(event, reason, data)],
        actor=actor,
        now=now,
        body=data,
        links=[target.ref] if target.ref else [],
    )
    touch(incident)


def _reaches(start: Incident, goal: Incident, kind: str) -> bool:
    """Whether live edges of this kind lead from `start` to `goal`."""
    seen: set[str] = set()
    front = {start.ref}
    while front and goal.ref not in front:
        seen |= front
        found = Edge.objects.filter(source__ref__in=front, kind=kind, ended_at=None)
        front = set(found.values_list("target__ref", flat=True)) - seen
    return goal.ref in front
