"""The resource graph: import, look up, neighbourhood, blast radius."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Router, Schema

from conductor.api.document.graph import IMPORT
from conductor.api.inputs import Limit
from conductor.api.paging import page
from conductor.api.requests.answers import kept_as
from conductor.graph import selectors
from conductor.graph.importer import import_resources
from conductor.graph.models import Node
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["graph"])


class NodeOut(Schema):
    id: UUID
    kind: str
    key: str
    name: str
    environment: str | None
    ref: str
    attributes: dict[str, Any]

    @staticmethod
    def resolve_environment(node: Node) -> str | None:
        return node.environment.slug if node.environment else None


class EdgeOut(Schema):
    source_id: UUID
    target_id: UUID
    kind: str


class NeighbourhoodOut(Schema):
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    is_cut: bool


class BlastRadiusOut(Schema):
    count: int
    """How many there are, however many are listed."""
    nodes: list[NodeOut]
    is_cut: bool


class RejectedOut(Schema):
    row: str
    reason: str


class ImportOut(Schema):
    nodes_created: int
    nodes_updated: int
    edges_created: int
    edges_known: int
    rejected: list[RejectedOut]


class NodePage(Schema):
    items: list[NodeOut]
    next_cursor: str


@router.get("/nodes", response=NodePage, operation_id="list_nodes")
def list_nodes(
    request: TenantRequest, kind: str = "", q: str = "", environment: str = "", cursor: str = "", limit: Limit = 50
) -> Any:
    """Nodes, newest first; of one kind, in one environment, with a word in name or key."""
    require(actor=request.actor, permission="view_incidents")
    found = selectors.nodes(kind=kind, search=q, environment=environment)
    return page(found, key="id", cursor=cursor, limit=limit)


@router.post("/imports", response=ImportOut, operation_id="import_graph", openapi_extra=IMPORT)
@kept_as(ImportOut)
def import_graph(request: TenantRequest) -> Any:
    """Import resources and edges: the body is `application/json` or `text/csv`. Bad rows are reported, not dropped."""
    return import_resources(
        tenant_id=request.tenant.id,
        content=request.body,
        media_type=request.content_type or "text/csv",
        actor=request.actor,
        now=now(),
        source="API import",
    )


@router.get("/nodes/{kind}/neighbourhood", response=NeighbourhoodOut, operation_id="get_neighbourhood")
def get_neighbourhood(
    request: TenantRequest,
    kind: str,
    key: str,
    hops: Annotated[int, Field(ge=1, le=4)] = 1,
    limit: Annotated[int, Field(ge=2, le=1000)] = 150,
) -> Any:
    """Nodes within `hops` (1 to 4) of the named one, and the edges among them."""
    return selectors.neighbourhood(node=_node(request, kind, key), hops=hops, limit=limit)


@router.get("/nodes/{kind}/blast-radius", response=BlastRadiusOut, operation_id="get_blast_radius")
def get_blast_radius(
    request: TenantRequest, kind: str, key: str, limit: Annotated[int, Field(ge=1, le=10_000)] = 1000
) -> Any:
    """What depends on the named node, directly or not: how many, and the `limit` (1 to 10,000) nearest."""
    hit = selectors.blast_radius(nodes=[_node(request, kind, key)], limit=limit)
    return {"count": hit.total, "nodes": hit.nodes, "is_cut": hit.is_cut}


def _node(request: TenantRequest, kind: str, key: str) -> Node:
    require(actor=request.actor, permission="view_incidents")
    node = selectors.node_for(kind=kind, key=key)
    if node is None:
        raise NotFound(f"There is no {kind} {key}.")
    return node
