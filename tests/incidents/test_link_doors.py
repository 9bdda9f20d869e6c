"""Records are tied to an incident by what people call them; each link says how, who asserted it and since when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node
from conductor.graph.models import Edge, Node
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Environment, Tenant
from incidents.links.by_code import link_record
from incidents.links.lifecycle import end_link
from incidents.links.selectors import links_of
from incidents.links.surroundings import surroundings
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.refusals import LinkFollows, LinkWouldCircle
from incidents.record.wording import sentence
from incidents.response.roles import assign_role
from tests.evidence.calling import caller

Declare = Callable[..., Incident]
Browser = Callable[[User], Client]


@pytest.fixture
def run(tenant: Tenant, incident: Incident) -> Run:
    """A run of the tenant's: the one that follows the declaration of an incident."""
    return Run.objects.filter(subject=incident.ref).order_by("number").first() or pytest.fail("no run")


@pytest.fixture
def bundle(tenant: Tenant, scope: None, now: datetime) -> Node:
    """A bundle as it stands in the graph; the app that owns bundles puts it there when it is opened."""
    return ensure_node(
        tenant_id=tenant.id, kind="bundle", key="b1", name="EVB-0003 Restore check", ref="evidence.bundle:b1", now=now
    )


@pytest.fixture
def services(tenant: Tenant, scope: None, production: Environment, now: datetime) -> list[Node]:
    staging = Environment.objects.exclude(id=production.id).first()
    return [
        ensure_node(
            tenant_id=tenant.id,
            kind="service",
            key=f"{where.slug}/payments",
            name="payments",
            environment=where,
            now=now,
        )
        for where in (production, staging)
        if where is not None
    ]


def told(incident: Incident) -> list[str]:
    kinds = [EventKind.LINK_ADDED, EventKind.LINK_ENDED]
    return [sentence(each) for each in TimelineEvent.objects.filter(incident=incident, kind__in=kinds).order_by("seq")]


def test_runs_bundles_resources_pages_and_incidents_are_tied_by_name(
    declare: Declare, run: Run, bundle: Node, services: list[Node], commander: Actor, cora: User, now: datetime
) -> None:
    incident, other = declare(title="Payouts stuck", environment=services[0].environment), declare(title="The deploy")
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)

    def tie(target: str, kind: str = "", reason: str = "") -> Edge:
        return link_record(incident=incident, target=target, kind=kind, reason=reason, actor=commander, now=now)

    made = [
        tie(f" {other.code.lower()} ", "CAUSED_BY", "Same config."),
        tie(run.code, "MITIGATED_BY"),
        tie("evb-3"),
        tie("service:payments"),
        tie("https://tracker.example/OPS-17"),
    ]

    assert [(each.kind, each.asserted_by, each.since) for each in made] == [
        (kind, commander.ref, now) for kind in ("CAUSED_BY", "MITIGATED_BY", "EVIDENCES", "AFFECTS", "TRACKED_IN")
    ]
    assert told(incident) == [
        f"Cora Commander linked: this is caused by {other}",
        f"Cora Commander linked: this was mitigated by {run.code} {run.title}",
        "Cora Commander linked: EVB-0003 Restore check is evidence for this",
        "Cora Commander linked: this affects payments",
        "Cora Commander linked: this is tracked in OPS-17",
    ]
    assert made[3].target == services[0]
    linked = [link for receipt in Receipt.objects.filter(action="incidents.link.added") for link in receipt.links]
    assert f"conductor.run:{run.id}" in str(linked)
    kinds = {(each.source.kind, each.kind, each.target.kind) for each in links_of(incident=incident)}
    assert {
        ("incident", "CAUSED_BY", "incident"),
        ("incident", "MITIGATED_BY", "run"),
        ("run", "ACTED_ON", "incident"),
        ("bundle", "EVIDENCES", "incident"),
        ("incident", "AFFECTS", "service"),
        ("incident", "TRACKED_IN", "ticket"),
        ("user", "RESPONDS_TO", "incident"),
    } <= kinds
    assert tie("EVB-3").id == made[2].id
    assert len(told(incident)) == 5
    assert {node.name for node in surroundings(incident=incident).bundles} == {"EVB-0003 Restore check"}


@pytest.mark.parametrize(
    ("target", "kind", "field", "why"),
    [
        ("", "", "target", "This cannot be empty."),
        ("INC-999", "", "target", "There is no INC-999 here."),
        ("R-999", "", "target", "There is no R-999 here."),
        ("EVB-4", "", "target", "There is no EVB-4 here."),
        ("EVB-3", "CAUSED_BY", "kind", "A bundle is tied by EVIDENCES."),
        ("R-1", "CHILD_OF", "kind", "A run is tied by RELATED_TO, CAUSED_BY, MITIGATED_BY."),
        ("https://t.example/1", "AFFECTS", "kind", "A page is tied by TRACKED_IN."),
        ("unheard-of", "", "target", "There is no resource unheard-of."),
        ("payments", "", "target", "Several resources are named payments. Use the key of one: "),
    ],
)
def test_what_cannot_be_tied_is_named(
    incident: Incident, bundle: Node, services: list[Node], commander: Actor, now: datetime,
    target: str, kind: str, field: str, why: str,
) -> None:  # fmt: skip
    with pytest.raises(Invalid) as refused:
        link_record(incident=incident, target=target, kind=kind, actor=commander, now=now)

    assert refused.value.fields[field][0].startswith(why)
    assert told(incident) == []


def test_a_resource_is_named_by_its_key_where_its_name_means_several(
    incident: Incident, services: list[Node], commander: Actor, now: datetime
) -> None:
    edge = link_record(incident=incident, target=services[1].key, actor=commander, now=now)

    assert edge.target == services[1]


def test_a_circle_is_refused_whatever_the_door(declare: Declare, commander: Actor, now: datetime) -> None:
    one, two = declare(), declare()
    link_record(incident=one, target=two.code, kind="CHILD_OF", actor=commander, now=now)

    with pytest.raises(LinkWouldCircle):
        link_record(incident=two, target=one.code, kind="CHILD_OF", actor=commander, now=now)


def test_what_somebody_tied_can_be_ended_and_what_follows_from_an_act_cannot(
    incident: Incident, bundle: Node, run: Run, commander: Actor, cora: User, now: datetime
) -> None:
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    by_hand = link_record(incident=incident, target="EVB-3", actor=commander, now=now)

    end_link(incident=incident, edge=by_hand, reason="Another restore.", actor=commander, now=now)
    end_link(incident=incident, edge=Edge.objects.get(id=by_hand.id), actor=commander, now=now)

    assert told(incident)[-1] == "Cora Commander ended the link: EVB-0003 Restore check is evidence for this"
    assert len(told(incident)) == 2
    assert Edge.objects.get(id=by_hand.id).ended_at == now
    for edge in Edge.objects.filter(target__ref=incident.ref, kind__in=["RESPONDS_TO", "ACTED_ON"], ended_at=None):
        with pytest.raises(LinkFollows):
            end_link(incident=incident, edge=edge, actor=commander, now=now)


def test_the_page_shows_both_ends_ties_and_ends(
    incident: Incident, bundle: Node, run: Run, as_user: Browser, ben: User, cleo: User, commander: Actor, now: datetime
) -> None:
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    page, browser = f"/t/northwind/incidents/INC-{incident.number}/", as_user(ben)

    assert browser.post(f"{page}link/", {"target": "EVB-3", "kind": ""}).status_code == 302
    html = browser.get(f"{page}?tab=links").content.decode()
    for words in ("Is evidence for this", "Acted on this", "Responds to this", "Ben Responder", "/evidence/EVB-3/"):
        assert words in html
    edge = Edge.objects.get(kind="EVIDENCES")
    assert html.count("/end/") == 1
    refused = browser.post(f"{page}link/", {"target": "EVB-77", "kind": ""})
    assert (refused.status_code, "There is no EVB-77 here." in refused.content.decode()) == (422, True)
    assert "/end/" not in as_user(cleo).get(f"{page}?tab=links").content.decode()
    assert as_user(cleo).post(f"{page}links/{edge.id}/end/").status_code == 403
    assert browser.post(f"{page}links/{edge.id}/end/").status_code == 302
    assert "Is evidence for this" not in browser.get(f"{page}?tab=links").content.decode()


def test_links_through_the_api(
    tenant: Tenant, declare: Declare, bundle: Node, ben: User, cleo: User, commander: Actor, now: datetime
) -> None:
    call: Any = caller(tenant)
    incident, other = declare(), declare()
    path = f"/incidents/{incident.number}/links"

    made = call("post", path, user=ben, body={"target": other.code, "kind": "REGRESSES", "reason": "It came back."})
    assert (made.status_code, made.json()["target"], made.json()["ended_at"]) == (201, str(other), None)
    assert call("post", path, user=ben, body={"target": "EVB-3"}).json()["source_kind"] == "bundle"
    assert call("post", path, user=ben, body={"target": "EVB-9"}).json()["fields"] == {
        "target": ["There is no EVB-9 here."]
    }
    assert call("post", path, user=cleo, body={"target": "EVB-3"}).status_code == 403
    link = made.json()["id"]
    assert call("post", f"/incidents/{other.number + 7}/links/{link}/end", user=ben, body={}).status_code == 404
    assert call("post", f"{path}/{link}/end", user=ben, body={"reason": "Another one."}).json()["ended_at"]
    listed = call("get", path, user=cleo).json()
    assert [each["ended_at"] is None for each in listed if each["kind"] in ("REGRESSES", "EVIDENCES")] == [False, True]
    assert {"asserted_by", "since"} <= listed[0].keys()


def test_neither_a_stranger_nor_another_tenant_ties_anything(
    max_: User, other_tenant: Tenant, incident: Incident, declare: Declare, as_user: Browser, ben: User, cleo: User,
    actor: Callable[..., Actor], now: datetime,
) -> None:  # fmt: skip
    hidden = declare(title="Somebody reads our mail", visibility="PRIVATE")
    refused = as_user(ben).post(
        f"/t/northwind/incidents/INC-{incident.number}/link/", {"target": hidden.code, "kind": ""}
    )
    assert (refused.status_code, b"reads our mail" in refused.content) == (422, False)
    with pytest.raises(PermissionMissing):
        link_record(incident=incident, target=hidden.code, actor=actor(cleo), now=now)
    theirs: Any = caller(other_tenant)
    answer = theirs("post", f"/incidents/{incident.number}/links", user=max_, body={"target": "https://x.example/1"})
    assert answer.status_code == 404
