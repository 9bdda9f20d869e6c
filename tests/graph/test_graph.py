"""Import reports every bad row; neighbourhood and blast radius follow live edges only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from chatops.demo.topology import topology_json
from conductor.graph import lifecycle, selectors
from conductor.graph.importer import import_resources
from conductor.graph.models import Edge, Node
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def load(tenant: Tenant, now: datetime) -> Callable[..., Any]:
    def make(content: Any, media_type: str = "application/json", *, actor: Actor | None = None) -> Any:
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        return import_resources(
            tenant_id=tenant.id, content=data, media_type=media_type, actor=actor or Actor.system(), now=now
        )

    return make


def _node(name: str, kind: str = "service") -> dict[str, str]:
    return {"kind": kind, "key": f"production/{name}", "name": name, "environment": "production"}


def _edge(source: str, target: str) -> dict[str, str]:
    return {"source": f"service/production/{source}", "target": f"service/production/{target}", "kind": "DEPENDS_ON"}


def test_csv_nodes_and_edges_go_in(load: Any) -> None:
    nodes = "kind,key,name,environment,tier\nservice,production/a,A,production,1\nservice,production/b,B,production,2\n"

    first = load(nodes, "text/csv")
    edges = load("source,target,kind\nservice/production/a,service/production/b,depends_on\n", "text/csv")
    again = load(nodes, "text/csv")

    assert (first.nodes_created, edges.edges_created, again.nodes_updated) == (2, 1, 2)
    assert Node.objects.get(name="A").attributes == {"tier": "1"}


def test_each_bad_row_is_reported_with_its_reason_and_the_good_ones_go_in(load: Any) -> None:
    report = load(
        {
            "nodes": [
                _node("a"),
                {"kind": "planet", "key": "x"},
                {"kind": "service", "key": ""},
                _node("a"),
                {**_node("b"), "environment": "mars"},
                {**_node("c"), "attributes": {"deep": {"er": 1}}},
                "nonsense",
            ],
            "edges": [_edge("a", "zzz"), {**_edge("a", "a")}, {**_edge("a", "a"), "kind": "LIKES"}],
        }
    )

    assert report.nodes_created == 1
    reasons = {each.row: each.reason for each in report.rejected}
    assert set(reasons) == {f"nodes[{n}]" for n in range(1, 7)} | {"edges[0]", "edges[1]", "edges[2]"}
    assert "mars" in reasons["nodes[4]"] and "production" in reasons["nodes[4]"]
    assert "same resource" in reasons["edges[1]"]


@pytest.mark.parametrize("content", ["{", "[]", '{"things": []}', "\xff"])
def test_an_unreadable_file_is_refused_whole(load: Any, content: str) -> None:
    with pytest.raises(Invalid):
        load(content)
    assert Node.objects.count() == 0


def test_a_csv_without_known_columns_is_refused(load: Any) -> None:
    with pytest.raises(Invalid, match="name the columns"):
        load("a,b\n1,2\n", "text/csv")


def test_importing_is_an_act_with_a_receipt_and_needs_the_permission(
    load: Any, ben: User, actor: Callable[..., Actor]
) -> None:
    with pytest.raises(PermissionMissing):
        load({"nodes": [], "edges": []}, actor=actor(ben))
    load({"nodes": [_node("a")], "edges": []})

    receipt = Receipt.objects.get(action="conductor.graph.imported")
    assert receipt.body["nodes_created"] == 1
    assert len(receipt.subjects[0]["digest"]) == 64


def test_blast_radius_is_everything_that_depends_on_it_even_through_circles(load: Any) -> None:
    load(
        {
            "nodes": [_node(name) for name in "abcdex"],
            "edges": [_edge("b", "a"), _edge("c", "b"), _edge("d", "c"), _edge("a", "d"), _edge("x", "e")],
        }
    )

    hit = selectors.blast_radius(nodes=[Node.objects.get(name="a")])

    assert [node.name for node in hit.nodes] == ["b", "c", "d"]
    assert (hit.total, hit.is_cut) == (3, False)


def test_a_large_blast_radius_lists_the_nearest_and_counts_all(load: Any) -> None:
    load({"nodes": [_node(name) for name in "abcd"], "edges": [_edge("d", "a"), _edge("c", "d"), _edge("b", "c")]})

    hit = selectors.blast_radius(nodes=[Node.objects.get(name="a")], limit=2)

    assert [node.name for node in hit.nodes] == ["c", "d"]
    assert (hit.total, hit.is_cut) == (3, True)


def test_an_ended_edge_no_longer_counts(load: Any, now: datetime) -> None:
    load({"nodes": [_node("a"), _node("b")], "edges": [_edge("b", "a")]})
    edge = Edge.objects.get()

    assert lifecycle.unlink(edge=edge, now=now + timedelta(hours=1))
    assert not lifecycle.unlink(edge=edge, now=now + timedelta(hours=2))

    assert selectors.blast_radius(nodes=[Node.objects.get(name="a")]).total == 0
    assert load({"nodes": [], "edges": [_edge("b", "a")]}).edges_created == 1


def test_the_neighbourhood_is_cut_at_its_limit_and_says_so(load: Any) -> None:
    names = [f"n{n}" for n in range(20)]
    load({"nodes": [_node("hub"), *map(_node, names)], "edges": [_edge(name, "hub") for name in names]})
    hub = Node.objects.get(name="hub")

    whole = selectors.neighbourhood(node=hub, hops=1)
    cut = selectors.neighbourhood(node=hub, hops=2, limit=5)

    assert (len(whole.nodes), len(whole.edges), whole.is_cut) == (21, 20, False)
    assert (len(cut.nodes), cut.is_cut, cut.nodes[0]) == (5, True, hub)


def test_linking_twice_makes_one_edge(tenant: Tenant, load: Any, now: datetime) -> None:
    load({"nodes": [_node("a"), _node("b")], "edges": []})
    ends = {"source": Node.objects.get(name="a"), "target": Node.objects.get(name="b")}

    for _ in range(2):
        lifecycle.link(tenant_id=tenant.id, kind=Edge.Kind.AFFECTS, actor=Actor.system(), now=now, **ends)

    assert Edge.objects.count() == 1


def test_the_demonstration_topology_has_no_bad_row(load: Any) -> None:
    report = load(topology_json().decode())

    assert report.rejected == []
    assert report.nodes_created > 200
