"""Import of resources and edges from CSV and JSON. Good rows go in; every rejected row is reported with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from conductor.graph.models import Edge, Node
from conductor.graph.rows import NODE_COLUMNS, Rows, read_rows
from conductor.ledger.receipts import append
from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment

RESOURCE_KINDS = ("service", "database", "queue", "cache", "host", "bucket", "cluster", "external", "team")
MAX_ROWS = 200_000


@dataclass(frozen=True)
class Rejected:
    """A row that was left out."""

    row: str
    """`nodes[3]` in JSON, `line 5` in CSV."""
    reason: str


@dataclass
class Report:
    """What an import did."""

    nodes_created: int = 0
    nodes_updated: int = 0
    edges_created: int = 0
    edges_known: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def reject(self, row: str, reason: str) -> None:
        self.rejected.append(Rejected(row, reason))


def import_resources(
    *, tenant_id: UUID, content: bytes, media_type: str, actor: Actor, now: datetime, source: str = ""
) -> Report:
    """Import `content` (`application/json`, or `text/csv` of nodes or of edges, told apart by the header).

    One transaction and one receipt. Raise Invalid when the whole is not readable; single bad rows are reported.
    Node: kind, key, name, environment (slug, optional), and any further columns as attributes.
    Edge: source and target as `kind/key`, kind one of Edge.Kind.
    """
    require(actor=actor, permission="edit_graph")
    nodes, edges = read_rows(content, media_type)
    if len(nodes) + len(edges) > MAX_ROWS:
        raise Invalid(f"{len(nodes) + len(edges)} rows are too many at once; send at most {MAX_ROWS}.")
    report = Report()
    with transaction.atomic():
        _import_nodes(tenant_id, nodes, report, now)
        _import_edges(tenant_id, edges, report, actor, now)
        counts = {name: value for name, value in vars(report).items() if isinstance(value, int)}
        append(
            tenant_id=tenant_id,
            action="conductor.graph.imported",
            subject=ref("conductor.tenant", tenant_id),
            subject_name=source or "graph import",
            actor=actor,
            now=now,
            body={**counts, "rejected": len(report.rejected)},
            subjects=[{"name": source or "import", "digest": sha256_hex(content)}],
        )
    return report


def _import_nodes(tenant_id: UUID, rows: Rows, report: Report, now: datetime) -> None:
    environments = {each.slug: each for each in Environment.objects.all()}
    wanted: dict[tuple[str, str], Node] = {}
    for place, row in rows:
        node = _node(tenant_id, row, environments, now)
        if isinstance(node, str):
            report.reject(place, node)
        elif (node.kind, node.key) in wanted:
            report.reject(place, f"{node.kind}/{node.key} is in this file already")
        else:
            wanted[node.kind, node.key] = node
    known = set(Node.objects.filter(kind__in={kind for kind, _ in wanted}).values_list("kind", "key"))
    report.nodes_updated = len(known & wanted.keys())
    report.nodes_created = len(wanted) - report.nodes_updated
    Node.objects.bulk_create(
        wanted.values(),
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["tenant", "kind", "key"],
        update_fields=["name", "environment", "attributes", "updated_at"],
    )


def _node(
    tenant_id: UUID, row: Mapping[str, Any], environments: Mapping[str, Environment], now: datetime
) -> Node | str:
    """Return the node, or the reason why there is none."""
    kind, key = str(row.get("kind") or "").strip(), str(row.get("key") or "").strip()
    if kind not in RESOURCE_KINDS:
        return f"kind {kind!r} is not one of {', '.join(RESOURCE_KINDS)}"
    if not key or len(key) > 200:
        return "key is empty or longer than 200 characters"
    slug = str(row.get("environment") or "").strip()
    if slug and slug not in environments:
        return f"environment {slug!r} does not exist; there are {', '.join(sorted(environments))}"
    attributes = row.get("attributes")
    if attributes is None:
        attributes = {name: value for name, value in row.items() if name and name not in NODE_COLUMNS and value}
    if not isinstance(attributes, dict) or not all(
        isinstance(v, str | int | float | bool) for v in attributes.values()
    ):
        return "attributes must be a flat object of strings, numbers and booleans"
    name = str(row.get("name") or key).strip()
    if len(name) > 200:
        return "name is longer than 200 characters"
    return Node(
        tenant_id=tenant_id,
        kind=kind,
        key=key,
        name=name,
        environment=environments.get(slug),
        attributes=attributes,
        updated_at=now,
    )


def _import_edges(tenant_id: UUID, rows: Rows, report: Report, actor: Actor, now: datetime) -> None:
    ids = {(kind, key): id_ for kind, key, id_ in Node.objects.values_list("kind", "key", "id")} if rows else {}
    live = set(Edge.objects.filter(ended_at=None).values_list("source_id", "target_id", "kind")) if rows else set()
    fresh: list[Edge] = []
    for place, row in rows:
        ends = _ends(row, ids)
        if isinstance(ends, str):
            report.reject(place, ends)
            continue
        if ends in live:
            report.edges_known += 1
            continue
        live.add(ends)
        source, target, kind = ends
        fresh.append(
            Edge(tenant_id=tenant_id, source_id=source, target_id=target, kind=kind, asserted_by=actor.ref, since=now)
        )
    Edge.objects.bulk_create(fresh, batch_size=2000)
    report.edges_created = len(fresh)


def _ends(row: Mapping[str, Any], ids: Mapping[tuple[str, str], UUID]) -> tuple[UUID, UUID, str] | str:
    """Return (source id, target id, kind), or the reason why there is no edge."""
    kind = str(row.get("kind") or Edge.Kind.DEPENDS_ON).strip().upper()
    if kind not in Edge.Kind.values:
        return f"kind {kind!r} is not one of {', '.join(Edge.Kind.values)}"
    found = []
    for end in ("source", "target"):
        node_kind, _, key = str(row.get(end) or "").strip().partition("/")
        if (node_kind, key) not in ids:
            return f"{end} {row.get(end)!r} is no known resource; write it as kind/key"
        found.append(ids[node_kind, key])
    if found[0] == found[1]:
        return "source and target are the same resource"
    return found[0], found[1], kind


def lines_of(report: Report) -> Iterator[str]:
    """Yield the report as lines of text, for the command line."""
    yield f"{report.nodes_created} nodes created, {report.nodes_updated} updated"
    yield f"{report.edges_created} edges created, {report.edges_known} known already"
    rejected: Iterable[Rejected] = report.rejected
    for each in rejected:
        yield f"rejected {each.row}: {each.reason}"
