"""Verbs that tie an incident to what it is about: resources, tickets, runs, bundles, other incidents.

A link is an edge of the graph: its kind, who asserted it, and since when. It is ended, never deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node, link, unlink
from conductor.graph.models import Edge, Node
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.input_cleaning import Complaints
from incidents.record.refusals import LinkFollows, LinkWouldCircle
from incidents.record.writer import Entry, lock, touch, write

WITH_RUNS = (Edge.Kind.RELATED_TO, Edge.Kind.CAUSED_BY, Edge.Kind.MITIGATED_BY)
"""How somebody ties an incident to a run; runs about the incident tie themselves, as having acted on it."""
BUNDLE = "bundle"
BETWEEN_INCIDENTS = (Edge.Kind.RELATED_TO, Edge.Kind.CAUSED_BY, Edge.Kind.CHILD_OF, Edge.Kind.REGRESSES)
ACYCLIC = (Edge.Kind.CHILD_OF, Edge.Kind.CAUSED_BY, Edge.Kind.REGRESSES)
TICKET = "ticket"
BY_HAND = frozenset({*BETWEEN_INCIDENTS, *WITH_RUNS, Edge.Kind.AFFECTS})
"""Kinds of links from an incident that somebody makes, and may end."""


def affect_resource(*, incident: Incident, resource: Node, actor: Actor, now: datetime) -> Edge:
    """Say that the incident affects a resource of the graph. Repeated: that edge is returned."""
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


def tie_run(*, incident: Incident, run: Run, kind: str, actor: Actor, now: datetime, reason: str = "") -> Edge:
    """Tie the incident to a run by one of WITH_RUNS: the deployment that caused it, the rollback that mitigated it."""
    if kind not in WITH_RUNS:
        raise Invalid(fields={"kind": [f"A run is tied by {', '.join(WITH_RUNS)}."]})
    return _tie(incident, topology.place_run(run=run, now=now), kind, reason, actor, now)


def attach_bundle(*, incident: Incident, bundle: Node, actor: Actor, now: datetime, reason: str = "") -> Edge:
    """Say that an evidence bundle, which stands in the graph, is evidence for the incident.

    The incident's own bundle is part of it without anybody saying so.
    """
    if bundle.kind != BUNDLE:
        raise Invalid(fields={"target": [f"{bundle.name} is no evidence bundle."]})
    return _tie(incident, bundle, Edge.Kind.EVIDENCES, reason, actor, now, is_source=False)


def can_end(*, incident: Incident, edge: Edge) -> bool:
    """Whether somebody may end this link of the incident: those that follow from an act end with that act."""
    if edge.ended_at is not None:
        return False
    if edge.kind == Edge.Kind.EVIDENCES:
        return edge.target.ref == incident.ref
    if edge.kind == Edge.Kind.TRACKED_IN:
        return edge.source.ref == incident.ref and edge.target.ref.startswith("incidents.ticket:")
    return edge.source.ref == incident.ref and edge.kind in BY_HAND


def end_link(*, incident: Incident, edge: Edge, actor: Actor, now: datetime, reason: str = "") -> None:
    """End a link of the incident that somebody made. Ended already: nothing happens."""
    require(actor=actor, permission="respond")
    if incident.ref not in (edge.source.ref, edge.target.ref):
        raise NotFound("This link is not one of the incident's.")
    if edge.ended_at is None and not can_end(incident=incident, edge=edge):
        raise LinkFollows
    other = edge.source if edge.target.ref == incident.ref else edge.target
    with transaction.atomic():
        locked = lock(incident)
        if unlink(edge=edge, now=now):
            leads_here = edge.target.ref == incident.ref
            _say(locked, EventKind.LINK_ENDED, other, edge.kind, reason, actor, now, leads_here=leads_here)
    incident.refresh_from_db()


def _tie(
    incident: Incident,
    other: Node,
    kind: str,
    reason: str,
    actor: Actor,
    now: datetime,
    *,
    is_source: bool = True,
) -> Edge:
    """Return the live edge, begun now if there was none; it leads from the incident, or to it."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        here = topology.place(incident=locked, now=now)
        source, target = (here, other) if is_source else (other, here)
        known = Edge.objects.filter(source=source, target=target, kind=kind, ended_at=None).first()
        if known is not None:
            return known
        edge = link(tenant_id=locked.tenant_id, source=source, target=target, kind=kind, actor=actor, now=now)
        _say(locked, EventKind.LINK_ADDED, other, kind, why, actor, now, leads_here=not is_source)
    incident.refresh_from_db()
    return edge


def _say(
    incident: Incident,
    event: EventKind,
    other: Node,
    kind: str,
    reason: str,
    actor: Actor,
    now: datetime,
    *,
    leads_here: bool,
) -> None:
    data: dict[str, Any] = {"kind": str(kind), "name": other.name, "node": str(other.id)}
    data |= {"leads_here": True} if leads_here else {}
    write(
        incident=incident,
        action=str(event),
        entries=[Entry(event, reason, data)],
        actor=actor,
        now=now,
        body=data,
        links=[other.ref] if other.ref else [],
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
