"""What the incident pages need beside the app's selectors: the hub's context, and the drawing of connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conductor.graph.models import Node
from incidents import selectors
from incidents.models import Incident, Kind, Severity, Status

SEVERITY_WORDS = (
    (Severity.SEV1.value, "Customers cannot use it"),
    (Severity.SEV2.value, "Part of it is down"),
    (Severity.SEV3.value, "Degraded, has a workaround"),
    (Severity.SEV4.value, "Minor, no rush"),
)
PAGE = 100
SIDE = 4
"""At most this many nodes on each side of the drawing; the table has all."""
ICONS = {"database": "database", "run": "workflow", "bundle": "folder-check", "control": "table-2", "user": "user"}


@dataclass(frozen=True)
class DrawnNode:
    name: str
    kind: str
    icon: str
    x: int
    y: int
    tone: str
    """hot for what is affected, ok for runs and bundles, empty for others."""


@dataclass(frozen=True)
class Drawing:
    """An incident and its nearest neighbours: affected resources on the left, the rest on the right."""

    nodes: list[DrawnNode]
    total: int
    sentence: str
    all: list[Node]


def hub(*, query: Mapping[str, Any], member_id: int | None, now: datetime) -> dict[str, Any]:
    """Return the hub's context for a query string: view, q, severity, status, service."""
    view = query.get("view", "active")
    severity, status = str(query.get("severity", "")).upper(), str(query.get("status", "")).upper()
    filters = selectors.HubFilter(
        q=str(query.get("q", "")).strip()[:100],
        severities=(severity,) if severity in Severity.values else (),
        statuses=(status,) if status in Status.values else (),
        service=str(query.get("service", ""))[:200],
        member_id=member_id if view == "mine" else None,
        kind=Kind.IMPORTED if view == "imported" else Kind.REAL,
    )
    context = {"view": view, "filters": filters, "now": now, "figures": selectors.figures(now=now)}
    if view in {"all", "imported"}:
        found = selectors.with_columns(selectors.filtered(filters=filters)).order_by("-number")[:PAGE]
        return {**context, "groups": [("", selectors.rows_of(incidents=found, now=now))]}
    board = selectors.hub(filters=filters, now=now)
    return {**context, "groups": [("", board.active), ("Resolved this week", board.resolved)]}


def draw_connections(*, incident: Incident) -> Drawing | None:
    """Lay out the incident's direct neighbours; None for one that is not in the graph."""
    connected = selectors.connected(incident=incident)
    if connected is None:
        return None
    affected = {node.id for node in connected.affected}
    others = [
        node
        for node in connected.neighbourhood.nodes
        if node.id not in affected and node != connected.neighbourhood.centre
    ]
    left = [_drawn(node, 96, n, "hot") for n, node in enumerate(connected.affected[:SIDE])]
    right = [
        _drawn(node, 248, n, "ok" if node.kind in {"run", "bundle"} else "") for n, node in enumerate(others[:SIDE])
    ]
    names = ", ".join(node.name for node in connected.affected) or "no resource"
    sentence = f"{incident.code} affects {names}; {len(connected.blast)} resources depend on them."
    everything = connected.neighbourhood.nodes[1:]
    return Drawing(left + right, len(everything), sentence, everything)


def _drawn(node: Node, x: int, place: int, tone: str) -> DrawnNode:
    return DrawnNode(node.name[:18], node.kind, ICONS.get(node.kind, "server"), x, 34 + place * 44, tone)
