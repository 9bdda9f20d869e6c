"""Reads of the graph: what is near a node, and what fails with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from conductor.graph.models import Edge, Node


@dataclass(frozen=True)
class Neighbourhood:
    """Nodes within some hops of a centre, and the live edges among them."""

    centre: Node
    nodes: list[Node]
    """The centre included; nearest first."""
    edges: list[Edge]
    is_cut: bool
    """Whether there was more than the limit."""


@dataclass(frozen=True)
class BlastRadius:
    """What fails with a node."""

    total: int
    """How many nodes depend on it, directly or not: all of them, however many are listed."""
    nodes: list[Node]
    """The nearest of them, by kind and name."""

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are listed."""
        return self.total > len(self.nodes)


_NEAR = """
    SELECT DISTINCT CASE WHEN e.source_id = ANY(%(front)s) THEN e.target_id ELSE e.source_id END
    FROM conductor_edge e
    WHERE e.ended_at IS NULL AND (e.source_id = ANY(%(front)s) OR e.target_id = ANY(%(front)s))
    LIMIT %(limit)s
"""


def nodes(*, kind: str = "", search: str = "", environment: str = "") -> QuerySet[Node]:
    """Return nodes; of one kind, in the environment of that slug, with a word in name or key."""
    found = Node.objects.select_related("environment")
    if kind:
        found = found.filter(kind=kind)
    if environment:
        found = found.filter(environment__slug=environment)
    return found.filter(Q(name__icontains=search) | Q(key__icontains=search)) if search else found


def node_for(*, kind: str, key: str) -> Node | None:
    """Return the node of that kind and key, or None."""
    return Node.objects.filter(kind=kind, key=key).first()


def blast_radius(*, nodes: Iterable[Node], limit: int = 1000) -> BlastRadius:
    """Return what depends on one of `nodes`, directly or not; at most `limit` are listed, the nearest ones.

    Two queries. Circles are walked once.
    """
    with connection.cursor() as cursor:
        start = [node.id for node in nodes]
        cursor.execute("SELECT id FROM conductor_dependents(%s::uuid[]) ORDER BY level", [start])
        ids = [row[0] for row in cursor.fetchall()]
    listed = Node.objects.filter(id__in=ids[:limit]).select_related("environment").order_by("kind", "name")
    return BlastRadius(len(ids), list(listed))


def neighbourhood(*, node: Node, hops: int = 1, limit: int = 150) -> Neighbourhood:
    """Return the nodes within `hops` live edges of `node`, whichever way they point, at most `limit`."""
    order: dict[UUID, int] = {node.id: 0}
    front = [node.id]
    is_cut = False
    for _hop in range(hops):
        if not front or is_cut:
            break
        with connection.cursor() as cursor:
            cursor.execute(_NEAR, {"front": front, "limit": limit + len(order)})
            found = [row[0] for row in cursor.fetchall() if row[0] not in order]
        room = limit - len(order)
        is_cut = len(found) > room
        front = found[:room]
        order.update((id_, len(order) + n) for n, id_ in enumerate(front))
    nodes = sorted(Node.objects.filter(id__in=order).select_related("environment"), key=lambda each: order[each.id])
    edges = list(Edge.objects.filter(ended_at=None, source_id__in=order, target_id__in=order))
    return Neighbourhood(node, nodes, edges, is_cut)
