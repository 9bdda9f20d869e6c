"""An incident's links say their kind, who asserted them and since when; merging neither circles nor leaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from conductor.graph.lifecycle import ensure_node
from conductor.graph.models import Edge, Node
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.incident.merge import merge_incident, unmerge_incident
from incidents.links.lifecycle import affect_resource, end_link, link_incidents, link_ticket
from incidents.links.related import related_to
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.refusals import GuardsNotMet, LinkWouldCircle
from incidents.record.wording import sentence

Declare = Callable[..., Incident]


@pytest.fixture
def database_node(tenant: Tenant, scope: None, now: datetime) -> Node:
    return ensure_node(tenant_id=tenant.id, kind="database", key="production/ledger", name="ledger-db", now=now)


def test_a_link_says_its_kind_who_asserted_it_and_since_when(
    declare: Declare, database_node: Node, commander: Actor, now: datetime
) -> None:
    incident, cause = declare(), declare(title="The deploy")

    edge = link_incidents(
        incident=incident, other=cause, kind="CAUSED_BY", reason="Same config.", actor=commander, now=now
    )
    again = link_incidents(incident=incident, other=cause, kind="CAUSED_BY", actor=commander, now=now)
    affect_resource(incident=incident, resource=database_node, actor=commander, now=now)
    link_ticket(incident=incident, url="https://tracker.example/T-9", name="T-9", actor=commander, now=now)

    assert edge.id == again.id
    assert (edge.asserted_by, edge.since) == (commander.ref, now)
    told = TimelineEvent.objects.filter(incident=incident, kind=EventKind.LINK_ADDED).order_by("seq")
    assert [sentence(each) for each in told] == [
        f"Cora Commander linked: this is caused by {cause}",
        "Cora Commander linked: this affects ledger-db",
        "Cora Commander linked: this is tracked in T-9",
    ]
    end_link(incident=incident, edge=edge, reason="It was not.", actor=commander, now=now)
    assert Edge.objects.get(id=edge.id).ended_at == now


def test_an_incident_is_no_part_of_itself(declare: Declare, commander: Actor, now: datetime) -> None:
    one, two, three = declare(), declare(), declare()
    link_incidents(incident=one, other=two, kind="CHILD_OF", actor=commander, now=now)
    link_incidents(incident=two, other=three, kind="CHILD_OF", actor=commander, now=now)

    with pytest.raises(LinkWouldCircle):
        link_incidents(incident=three, other=one, kind="CHILD_OF", actor=commander, now=now)
    with pytest.raises(LinkWouldCircle):
        link_incidents(incident=one, other=one, kind="RELATED_TO", actor=commander, now=now)


def test_merge_cycle_and_private_merge_refused(declare: Declare, commander: Actor, now: datetime) -> None:
    first, second, third = declare(), declare(), declare()
    merge_incident(incident=second, into=first, actor=commander, now=now)

    for into in (first, second):
        with pytest.raises(GuardsNotMet) as refused:
            merge_incident(incident=first, into=into, actor=commander, now=now)
        assert [each["guard"] for each in refused.value.unmet] == ["merge_cycle"]
    hidden = declare(visibility="PRIVATE", title="Somebody reads our mail")
    for incident, into in ((hidden, third), (third, hidden)):
        with pytest.raises(GuardsNotMet) as refused:
            merge_incident(incident=incident, into=into, actor=commander, now=now)
        assert [each["guard"] for each in refused.value.unmet] == ["merge_private"]
        assert "reads our mail" not in refused.value.detail


def test_there_are_no_chains_of_duplicates(declare: Declare, commander: Actor, now: datetime) -> None:
    root, middle, leaf = declare(), declare(), declare()
    merge_incident(incident=leaf, into=middle, actor=commander, now=now)

    merge_incident(incident=middle, into=root, actor=commander, now=now)
    leaf.refresh_from_db()
    late = merge_incident(incident=declare(), into=middle, actor=commander, now=now)

    assert middle.duplicate_of == leaf.duplicate_of == late.duplicate_of == root
    pairs = Edge.objects.filter(kind="DUPLICATE_OF", ended_at=None).values_list("source__ref", "target__ref")
    assert set(pairs) == {(each.ref, root.ref) for each in (middle, leaf, late)}


def test_a_duplicate_becomes_an_incident_of_its_own_again(declare: Declare, commander: Actor, now: datetime) -> None:
    root, other = declare(), declare()
    merge_incident(incident=other, into=root, actor=commander, now=now)
    assert not other.is_active

    unmerge_incident(incident=other, reason="Another database.", actor=commander, now=now)

    assert (other.status, other.duplicate_of) == ("OPEN", None)
    assert not Edge.objects.filter(kind="DUPLICATE_OF", ended_at=None).exists()


def test_two_who_merge_a_pair_both_ways_do_not_make_a_circle(committed: None, tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        pair = [
            declare_incident(tenant_id=tenant.id, title=f"{n}", severity="SEV3", actor=Actor.system(), now=now)[0]
            for n in range(2)
        ]
    start = threading.Barrier(2)

    def merge(incident: Incident, into: Incident) -> None:
        try:
            with tenant_scope(tenant.id):
                one, other = Incident.objects.get(id=incident.id), Incident.objects.get(id=into.id)
                start.wait(timeout=30)
                merge_incident(incident=one, into=other, actor=Actor.system(), now=now)
        except GuardsNotMet:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=merge, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant_scope(tenant.id):
        statuses = sorted(Incident.objects.values_list("status", flat=True))
    assert statuses == ["DUPLICATE", "OPEN"]


def test_suggestions_say_why_and_leave_out_what_is_linked(
    declare: Declare, database_node: Node, commander: Actor, now: datetime, tenant: Tenant
) -> None:
    def at(**given: Any) -> Incident:
        return declare(**{"now": now, **given})

    incident = at(title="Payouts stuck in the queue", service="payouts")
    same = at(title="Payouts stuck", now=now - timedelta(minutes=20))
    other_service = at(title="Ledger slow", service="ledger", now=now - timedelta(minutes=50))
    far = at(title="Payouts stuck in the queue", service="payouts", now=now - timedelta(days=9))
    for each in (incident, same, far):
        affect_resource(incident=each, resource=database_node, actor=commander, now=now)

    (best,) = related_to(incident=incident)

    assert (best.incident, best.is_likely_duplicate) == (same, True)
    assert best.reasons == [
        "Both affect ledger-db.",
        "Declared 20 min apart.",
        "Their titles use the same words.",
    ]
    link_incidents(incident=incident, other=same, kind="RELATED_TO", actor=commander, now=now)
    assert related_to(incident=incident) == []
    assert other_service.is_active
