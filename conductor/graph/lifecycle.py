"""Verbs on the graph: nodes appear and change, edges begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from conductor.graph.models import Edge, Node
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Environment


def ensure_node(
    *,
    tenant_id: UUID,
    kind: str,
    key: str,
    name: str,
    now: datetime,
    ref: Ref = "",
    environment: Environment | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Node:
    """Return the node of that kind and key, created or brought up to date."""
    told: dict[str, Any] = {
        "name": name[:200],
        "ref": ref,
        "environment": environment,
        "attributes": dict(attributes or {}),
        "updated_at": now,
    }
    # One statement whether it is there or not, without a savepoint; but Django does not tell whose id it has.
    Node.objects.bulk_create(
        [Node(tenant_id=tenant_id, kind=kind, key=key, **told)],
        update_conflicts=True,
        unique_fields=["tenant", "kind", "key"],
        update_fields=list(told),
    )
    return Node.objects.get(tenant_id=tenant_id, kind=kind, key=key)


def link(*, tenant_id: UUID, source: Node, target: Node, kind: str, actor: Actor, now: datetime) -> Edge:
    """Return the live edge of that kind from `source` to `target`, begun now if there was none."""
    live: dict[str, Any] = {"tenant_id": tenant_id, "source": source, "target": target, "kind": kind, "ended_at": None}
    if (known := Edge.objects.filter(**live).first()) is not None:
        return known
    edge = Edge(**live, asserted_by=actor.ref, since=now)
    Edge.objects.bulk_create([edge], ignore_conflicts=True)
    # Somebody may have been first, and then theirs is the one.
    return Edge.objects.get(**live)


def unlink(*, edge: Edge, now: datetime) -> bool:
    """End the edge; return False if it had ended already."""
    return Edge.objects.filter(id=edge.id, ended_at=None).update(ended_at=now) == 1
