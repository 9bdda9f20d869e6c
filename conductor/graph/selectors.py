"""Reads of the graph: what is near a node, and what fails with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

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


# UNION (not UNION ALL) on the id alone keeps cycles finite; a depth column would visit a node once per path.
_BLAST = """
    WITH RECURSIVE hit(id) AS (
        SELECT unnest(%(start)s::uuid[])
        UNION
        SELECT e.source_id FROM hit JOIN conductor_edge e ON e.target_id = hit.id
        WHERE e.kind = 'DEPENDS_ON' AND e.ended_at IS NULL
    )
    SELECT id FROM hit WHERE id <> ALL(%(start)s::uuid[]) LIMIT %(limit)s
"""
_NEAR = """
    SELECT DISTINCT CASE WHEN e.source_id = ANY(%(front)s) THEN e.target_id ELSE e.source_id END
    FROM conductor_edge e
    WHERE e.ended_at IS NULL AND (e.source_id = ANY(%(front)s) OR e.target_id = ANY(%(front)s))
    LIMIT %(limit)s
"""


def node_for(*, kind: str, key: str) -> Node | None:
    """Return the node of that kind and key, or None."""
    return Node.objects.filter(kind=kind, key=key).first()


def blast_radius(*, nodes: Iterable[Node], limit: int = 10_000) -> list[Node]:
    """Return every node that depends on one of `nodes`, directly or not, by kind and name."""
    start = [node.id for node in nodes]
    with connection.cursor() as cursor:
        cursor.execute(_BLAST, {"start": start, "limit": limit})
        ids = [row[0] for row in cursor.fetchall()]
    return list(Node.objects.filter(id__in=ids).select_related("environment").order_by("kind", "name"))


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
