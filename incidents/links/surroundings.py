"""What stands round an incident in the graph, as its page draws it: two hops, one query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, Subquery, Value

from conductor.graph.models import Edge, Node
from conductor.graph.selectors import BlastRadius, blast_radius
from incidents.models.incident import Incident

MOST, BLAST = 400, 200
"""Edges of the second hop that are looked at, of each kind, and resources in the blast radius that are listed."""


SERVICES_SHOWN = 20


def services_like(text: str) -> list[str]:
    """Return the names of services that contain `text`, at most SERVICES_SHOWN in their order. One query."""
    found = Node.objects.filter(kind="service", name__icontains=text.strip())
    return list(found.order_by("name").values_list("name", flat=True).distinct()[:SERVICES_SHOWN])


@dataclass(frozen=True)
class Tie:
    """A node of the second hop, and the one of the first that it hangs on."""

    node: Node
    through: Node


@dataclass
class Surroundings:
    """The incident's neighbours by what they are to it, and theirs."""

    affected: list[Node] = field(default_factory=list)
    """Resources that it now affects."""
    runs: list[Node] = field(default_factory=list)
    people: list[Node] = field(default_factory=list)
    bundles: list[Node] = field(default_factory=list)
    others: list[Node] = field(default_factory=list)
    dependents: list[Tie] = field(default_factory=list)
    """Resources that depend on an affected one."""
    controls: list[Tie] = field(default_factory=list)
    """Controls that a bundle is evidence for."""
    edges: list[Edge] = field(default_factory=list)
    """Those that lead from the incident or to it, oldest first, with both nodes."""

    @property
    def near(self) -> list[Node]:
        """Everything in both hops, once each, nearest first."""
        first = [*self.affected, *self.runs, *self.people, *self.bundles, *self.others]
        second = [tie.node for tie in [*self.dependents, *self.controls]]
        return list({node.id: node for node in [*first, *second]}.values())

    @property
    def total(self) -> int:
        """How many different records these are."""
        return len(self.near)


def surroundings(*, incident: Incident) -> Surroundings:
    """Return what is round the incident; everything is empty for one that is not in the graph. One query."""
    found = Surroundings()
    groups = {"run": found.runs, "user": found.people, "bundle": found.bundles}
    near, far = _edges(incident)
    for node, edge in _neighbours(incident, near).values():
        is_affected = edge.source.ref == incident.ref and edge.kind == Edge.Kind.AFFECTS
        (found.affected if is_affected else groups.get(node.kind, found.others)).append(node)
    found.edges.extend(near)
    _add_second_hop(found, far)
    return found


def blast_of(*, found: Surroundings) -> BlastRadius:
    """Return what depends on an affected resource, directly or not: all counted, the nearest BLAST listed."""
    return blast_radius(nodes=found.affected, limit=BLAST) if found.affected else BlastRadius(0, [])


def _edges(incident: Incident) -> tuple[list[Edge], list[Edge]]:
    """Return the edges that touch the incident, and those that its resources and bundles have. One query.

    A union of three walks, each by an index of its own: one OR over all of them would read every edge of the tenant.
    """
    mine = Node.objects.filter(kind="incident", key=str(incident.id)).values("id")[:1]
    live = Edge.objects.filter(ended_at=None).select_related("source", "target").order_by()
    from_here, to_here = Q(source_id=Subquery(mine)), Q(target_id=Subquery(mine))
    affected = Edge.objects.filter(from_here, kind=Edge.Kind.AFFECTS, ended_at=None).values("target")
    evidence = Edge.objects.filter(to_here, source__kind="bundle", ended_at=None).values("source")
    walks = (
        live.filter(from_here | to_here).annotate(hop=Value(1)),
        live.filter(kind=Edge.Kind.DEPENDS_ON, target__in=affected).annotate(hop=Value(2)).order_by("since")[:MOST],
        live.filter(kind=Edge.Kind.EVIDENCES, source__in=evidence).annotate(hop=Value(2)).order_by("since")[:MOST],
    )
    edges: list[Any] = sorted(walks[0].union(*walks[1:], all=True), key=lambda edge: edge.since)
    return [edge for edge in edges if edge.hop == 1], [edge for edge in edges if edge.hop == 2]


def _neighbours(incident: Incident, near: list[Edge]) -> dict[UUID, tuple[Node, Edge]]:
    """Return each neighbour once, with the oldest edge to it."""
    found: dict[UUID, tuple[Node, Edge]] = {}
    for edge in near:
        node = edge.target if edge.source.ref == incident.ref else edge.source
        found.setdefault(node.id, (node, edge))
    return found


def _add_second_hop(found: Surroundings, far: list[Edge]) -> None:
    affected, bundles = ({node.id: node for node in nodes} for nodes in (found.affected, found.bundles))
    for edge in far:
        if edge.kind == Edge.Kind.EVIDENCES and edge.source_id in bundles:
            found.controls.append(Tie(edge.target, bundles[edge.source_id]))
        elif edge.kind == Edge.Kind.DEPENDS_ON and edge.target_id in affected and edge.source_id not in affected:
            found.dependents.append(Tie(edge.source, affected[edge.target_id]))
