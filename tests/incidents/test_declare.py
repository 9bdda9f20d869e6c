"""Declaring, classifying, acknowledging: what each writes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node
from conductor.graph.models import Edge, Node
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.policy.decisions import PolicyDenied
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, NumberSeries, Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind, Kind
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.refusals import IncidentAlreadyResolved, IncidentIsHistory, NotAResponder, ReasonTooShort

Declare = Callable[..., Incident]


def said(incident: Incident) -> list[str]:
    """The kinds of the timeline, oldest first."""
    return list(TimelineEvent.objects.filter(incident=incident).order_by("seq").values_list("kind", flat=True))


def test_declaring_writes_everything_that_belongs_to_it(
    declare: Declare, commander: Actor, production: Environment, tenant: Tenant, now: datetime
) -> None:
    service = ensure_node(
        tenant_id=tenant.id,
        kind="service",
        key="production/ledger-core",
        name="ledger-core",
        now=now,
        environment=production,
    )

    incident = declare(
        title="  Card\nauthorisations failing ",
        severity="SEV2",
        summary="61% fail.",
        environment=production,
        service="ledger-core",
        detected_at=now - timedelta(minutes=4),
    )

    assert (incident.code, incident.title, incident.status, incident.origin) == (
        "INC-1",
        "Card authorisations failing",
        "OPEN",
        "console",
    )
    transition = StatusTransition.objects.get(incident=incident)
    assert (transition.seq, transition.from_status, transition.to_status) == (1, "", "OPEN")
    event = TimelineEvent.objects.get(incident=incident)
    receipt = Receipt.objects.get(action="incidents.incident.declared")
    decision = PolicyDecision.objects.get(action="incidents.declare")
    assert (event.seq, event.kind, event.body, event.receipt_id) == (1, EventKind.DECLARED, "61% fail.", receipt.id)
    assert receipt.subject == decision.subject == incident.ref
    assert receipt.links == [f"conductor.policy_decision:{decision.id}", f"conductor.node:{service.id}"]
    assert receipt.body["title"] == "Card authorisations failing"
    run = Run.objects.get(workflow="incidents.declared")
    assert (run.subject, run.input, run.environment_id) == (
        incident.ref,
        {"incident_id": str(incident.id)},
        production.id,
    )
    node = Node.objects.get(kind="incident")
    assert (node.key, node.ref, node.environment) == (str(incident.id), incident.ref, production)
    edges = {(edge.source.kind, edge.kind, edge.target.kind) for edge in Edge.objects.all()}
    assert edges == {("incident", "AFFECTS", "service"), ("run", "ACTED_ON", "incident")}


def test_taking_command_while_declaring_is_an_acknowledgement(
    declare: Declare, commander: Actor, cora: object, now: datetime
) -> None:
    incident = declare(take_command=True)

    assert said(incident) == [EventKind.DECLARED, EventKind.ROLE_ASSIGNED, EventKind.ACKNOWLEDGED]
    assert incident.acknowledged_at == now
    assignment = RoleAssignment.objects.get(incident=incident)
    assert (assignment.role, assignment.user, assignment.assumed_at, assignment.ended_at) == (
        "COMMANDER",
        cora,
        now,
        None,
    )
    assert Edge.objects.filter(kind="RESPONDS_TO", source__ref=commander.ref, target__ref=incident.ref).exists()


def test_a_program_cannot_command(tenant: Tenant, scope: None, now: datetime) -> None:
    with pytest.raises(NotAResponder):
        declare_incident(
            tenant_id=tenant.id, title="x", severity="SEV3", actor=Actor.system(), now=now, take_command=True
        )

    assert not Incident.objects.exists()


def test_the_same_key_returns_the_live_incident_and_writes_nothing(declare: Declare) -> None:
    first = declare(dedup_key="disk-full")
    receipts, decisions = Receipt.objects.count(), PolicyDecision.objects.count()

    second = declare(dedup_key="disk-full", title="Another title")

    assert second.id == first.id
    assert second.title == first.title
    assert (Receipt.objects.count(), PolicyDecision.objects.count()) == (receipts, decisions)


def test_the_key_is_free_again_once_the_incident_is_resolved(
    at_status: Callable[..., Incident], declare: Declare
) -> None:
    first = at_status("RESOLVED", dedup_key="disk-full")

    assert declare(dedup_key="disk-full").id != first.id


def test_reopening_beside_a_live_incident_of_the_same_key_is_refused_by_the_database(
    at_status: Callable[..., Incident], declare: Declare, commander: Actor, now: datetime
) -> None:
    first = at_status("RESOLVED", dedup_key="disk-full")
    second = declare(dedup_key="disk-full")

    with pytest.raises(Exception) as refused:
        move_incident(incident=first, to="OPEN", reason="It is full again.", actor=commander, now=now)

    assert getattr(refused.value, "code", "") == "incident_key_in_use"
    assert second.code in str(refused.value)
    assert Incident.objects.get(id=first.id).status == "RESOLVED"


def test_all_faults_are_named_at_once(tenant: Tenant, scope: None, commander: Actor, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        declare_incident(
            tenant_id=tenant.id,
            title=" \x00 ",
            severity="SEV9",
            actor=commander,
            now=now,
            kind=Kind.IMPORTED,
            service="s" * 201,
            dedup_key="k" * 301,
            summary="x" * 10_001,
            detected_at=datetime(2026, 11, 20),
        )

    assert set(refused.value.fields) == {
        "title",
        "severity",
        "kind",
        "service",
        "dedup_key",
        "summary",
        "detected_at",
    }
    assert not Incident.objects.exists()
    assert not PolicyDecision.objects.exists()


def test_an_auditor_declares_nothing(
    tenant: Tenant, scope: None, cleo: object, actor: Callable[..., Actor], now: datetime
) -> None:
    with pytest.raises(PermissionMissing) as refused:
        declare_incident(tenant_id=tenant.id, title="x", severity="SEV4", actor=actor(cleo), now=now)

    assert refused.value.code == "permission_missing"
    assert not Incident.objects.exists()


def test_what_policy_refuses_leaves_the_refusal_and_nothing_else(
    tenant: Tenant, scope: None, commander: Actor, now: datetime
) -> None:
    with pytest.raises(PolicyDenied):
        declare_incident(
            tenant_id=tenant.id, title="x", severity="SEV4", actor=replace(commander, channel="fax"), now=now
        )

    assert PolicyDecision.objects.get().allow is False
    assert not Incident.objects.exists()
    assert not NumberSeries.objects.filter(series="incident").exists()


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([("service", "production/api", "api", "production")], True),
        ([("service", "api", "API gateway", "")], True),
        ([("service", "staging/api", "api", "staging")], False),
        (
            [("service", "production/api", "api", "production"), ("database", "production/db", "api", "production")],
            True,
        ),
        ([("database", "production/db", "api", "production"), ("queue", "q", "api", "")], False),
        ([], False),
    ],
)
def test_a_service_is_linked_where_its_name_means_one_resource(
    declare: Declare,
    tenant: Tenant,
    production: Environment,
    now: datetime,
    nodes: list[tuple[str, str, str, str]],
    found: bool,
) -> None:
    for kind, key, name, environment in nodes:
        place = Environment.objects.filter(slug=environment).first()
        ensure_node(tenant_id=tenant.id, kind=kind, key=key, name=name, now=now, environment=place)

    declare(service="api", environment=production)

    assert Edge.objects.filter(kind="AFFECTS").exists() is found


def test_practice_is_kept_apart(declare: Declare) -> None:
    practice = declare(kind=Kind.PRACTICE)

    assert list(Incident.objects.real()) == []
    assert list(Incident.objects.active()) == [practice]


def test_a_new_severity_is_an_entry_with_both_words(incident: Incident, commander: Actor, now: datetime) -> None:
    classify_incident(incident=incident, severity="SEV1", actor=commander, now=now)

    event = TimelineEvent.objects.get(incident=incident, kind=EventKind.SEVERITY_CHANGED)
    assert event.data == {"from": "SEV3", "to": "SEV1"}
    assert incident.severity == "SEV1"
    assert Node.objects.get(kind="incident").attributes["severity"] == "SEV1"


def test_each_change_is_an_entry_and_together_they_have_one_receipt(
    incident: Incident, commander: Actor, now: datetime
) -> None:
    classify_incident(
        incident=incident, severity="SEV2", incident_type="capacity", service="ledger", actor=commander, now=now
    )

    receipt = Receipt.objects.get(action="incidents.incident.classified")
    events = TimelineEvent.objects.filter(receipt_id=receipt.id).order_by("seq")
    assert [event.kind for event in events] == ["severity.changed", "type.changed", "service.changed"]
    assert receipt.body["severity"] == {"from": "SEV3", "to": "SEV2"}


def test_lowering_the_severity_needs_a_reason(incident: Incident, commander: Actor, now: datetime) -> None:
    with pytest.raises(ReasonTooShort) as refused:
        classify_incident(incident=incident, severity="SEV4", actor=commander, now=now)
    assert refused.value.code == "reason_required"

    classify_incident(incident=incident, severity="SEV4", reason="One customer only.", actor=commander, now=now)

    assert incident.severity == "SEV4"


def test_classifying_as_before_writes_nothing(incident: Incident, commander: Actor, now: datetime) -> None:
    classify_incident(incident=incident, severity="SEV3", service="", actor=commander, now=now)

    assert said(incident) == [EventKind.DECLARED]
    assert incident.version == 1


def test_faults_of_a_classification_are_named(incident: Incident, commander: Actor, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        classify_incident(incident=incident, severity="bad", incident_type="t" * 41, actor=commander, now=now)

    assert set(refused.value.fields) == {"severity", "incident_type"}


def test_a_new_service_moves_the_link(
    declare: Declare, commander: Actor, tenant: Tenant, production: Environment, now: datetime
) -> None:
    for name in ("api", "ledger"):
        ensure_node(tenant_id=tenant.id, kind="service", key=name, name=name, now=now, environment=production)
    incident = declare(service="api", environment=production)

    classify_incident(incident=incident, service="ledger", actor=commander, now=now)

    edges = Edge.objects.filter(kind="AFFECTS").order_by("target__name")
    assert [(edge.target.name, edge.ended_at) for edge in edges] == [("api", now), ("ledger", None)]
    classify_incident(incident=incident, service="", actor=commander, now=now)
    assert not Edge.objects.filter(kind="AFFECTS", ended_at=None).exists()


def test_acknowledging_again_changes_nothing(
    incident: Incident, commander: Actor, responder: Actor, now: datetime
) -> None:
    acknowledge_incident(incident=incident, actor=responder, now=now)
    acknowledge_incident(incident=incident, actor=commander, now=now + timedelta(minutes=1))

    assert incident.acknowledged_at == now
    assert said(incident) == [EventKind.DECLARED, EventKind.ACKNOWLEDGED]


def test_acknowledging_with_command_takes_it_only_where_it_is_vacant(
    incident: Incident, commander: Actor, responder: Actor, now: datetime
) -> None:
    acknowledge_incident(incident=incident, actor=responder, now=now, take_command=True)
    acknowledge_incident(incident=incident, actor=commander, now=now, take_command=True)

    assert [each.user_name for each in RoleAssignment.objects.all()] == ["Ben Responder"]


def test_what_is_resolved_is_not_acknowledged_any_more(
    at_status: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = at_status("RESOLVED")
    Incident.objects.filter(id=incident.id).update(acknowledged_at=None)

    with pytest.raises(IncidentAlreadyResolved):
        acknowledge_incident(incident=incident, actor=commander, now=now)


def test_history_is_not_classified(incident: Incident, commander: Actor, now: datetime) -> None:
    Incident.objects.filter(id=incident.id).update(kind=Kind.IMPORTED)

    with pytest.raises(IncidentIsHistory):
        classify_incident(incident=incident, severity="SEV1", actor=commander, now=now)


def test_another_tenant_sees_nothing_of_it(incident: Incident, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant.id):
        assert not Incident.objects.exists()
        assert not TimelineEvent.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM incidents_incident")
        assert cursor.fetchone() == (1,)
