"""What stands round an incident in the graph, as its page draws it: two hops, two queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, Subquery

from conductor.graph.models import Edge, Node
from conductor.graph.selectors import BlastRadius, blast_radius
from incidents.models import Incident

MOST, BLAST = 400, 200
"""Edges of the second hop that are looked at, and resources in the blast radius that are listed."""


@dataclass(frozen=True)
class Tie:
    """A node of the second hop, and the one of the first that it hangs on."""

    node: Node
    through: Node


@dataclass
class Surroundings:
    """The incident's neighbours by what they are to it, and theirs."""

    affected: list[Node] = field(default_factory=list)
    """Resources that it is said to affect."""
    runs: list[Node] = field(default_factory=list)
    people: list[Node] = field(default_factory=list)
    bundles: list[Node] = field(default_factory=list)
    others: list[Node] = field(default_factory=list)
    dependents: list[Tie] = field(default_factory=list)
    """Resources that depend on an affected one."""
    controls: list[Tie] = field(default_factory=list)
    """Controls that a bundle is evidence for."""

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
    """Return what is round the incident; everything is empty for one that is not in the graph."""
    found = Surroundings()
    groups = {"run": found.runs, "user": found.people, "bundle": found.bundles}
    for node, is_affected in _direct(incident):
        (found.affected if is_affected else groups.get(node.kind, found.others)).append(node)
    affected, bundles = ({node.id: node for node in nodes} for nodes in (found.affected, found.bundles))
    if affected or bundles:
        _add_second_hop(found, affected, bundles)
    return found


def blast_of(*, found: Surroundings) -> BlastRadius:
    """Return what depends on an affected resource, directly or not: all counted, the nearest BLAST listed."""
    return blast_radius(nodes=found.affected, limit=BLAST) if found.affected else BlastRadius(0, [])


def _direct(incident: Incident) -> Iterator[tuple[Node, bool]]:
    """Yield each neighbour, and whether it is affected. One query."""
    key = str(incident.id)
    # By id, not by the nodes' columns: an OR over two joined tables would read every edge of the tenant.
    mine = Node.objects.filter(kind="incident", key=key).values("id")[:1]
    at_either_end = Q(source_id=Subquery(mine)) | Q(target_id=Subquery(mine))
    edges = Edge.objects.filter(at_either_end, ended_at=None).select_related("source", "target").order_by("since")
    seen: set[UUID] = set()
    for edge in edges:
        is_source = edge.source.kind == "incident" and edge.source.key == key
        node = edge.target if is_source else edge.source
        if node.id not in seen:
            seen.add(node.id)
            yield node, is_source and edge.kind == Edge.Kind.AFFECTS


def _add_second_hop(found: Surroundings, affected: dict[UUID, Node], bundles: dict[UUID, Node]) -> None:
    depends = Q(kind=Edge.Kind.DEPENDS_ON, target__in=affected)
    evidences = Q(kind=Edge.Kind.EVIDENCES, source__in=bundles)
    edges = Edge.objects.filter(depends | evidences, ended_at=None).select_related("source", "target")
    for edge in edges.order_by("since")[:MOST]:
        if edge.kind == Edge.Kind.EVIDENCES:
            found.controls.append(Tie(edge.target, bundles[edge.source_id]))
        elif edge.source_id not in affected:
            found.dependents.append(Tie(edge.source, affected[edge.target_id]))
