"""Importing another system's incident log: milestones as stated, commanders who are members, services of one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.graph.models import Edge, Node
from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from incidents.history.lifecycle import HistoryReport, HistorySource, import_history
from incidents.history.reader import read_past
from incidents.hub.selectors import HubFilter, page_of_all
from incidents.incident.lifecycle import declare_incident
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.wording import sentence
from incidents.response.policy import policy_in_force

Browser = Callable[[User], Client]
SOURCE = HistorySource("old-log", "Old log", "log.json", "a" * 64)


def logged(now: datetime, **changes: Any) -> dict[str, Any]:
    began = now - timedelta(days=10)
    moments = {"declared_at": 0, "acknowledged_at": 4, "mitigated_at": 31, "resolved_at": 52, "detected_at": -3}
    return {
        "id": "7",
        "title": "Payouts are late",
        "severity": "SEV2",
        "services": ["ledger-core"],
        "environment": "production",
        "declared_by": "Ben Responder",
        "commander": "cora",
        **{name: rfc3339(began + timedelta(minutes=minutes)) for name, minutes in moments.items()},
        "updates": [{"at": rfc3339(began), "by": "Ben Responder", "text": "It began"}],
        **changes,
    }


def imported(tenant: Tenant, now: datetime, *records: Any) -> HistoryReport:
    actor = Actor.system(channel="cli")
    return import_history(tenant_id=tenant.id, records=records, source=SOURCE, actor=actor, now=now)


def test_milestones_are_what_the_log_states(tenant: Tenant, scope: None, now: datetime) -> None:
    imported(tenant, now, logged(now))

    incident = Incident.objects.get()
    began = incident.declared_at
    assert incident.detected_at == began - timedelta(minutes=3)
    assert incident.acknowledged_at == began + timedelta(minutes=4)
    assert incident.mitigated_at == began + timedelta(minutes=31)
    assert incident.resolved_at == began + timedelta(minutes=52)
    moves = StatusTransition.objects.filter(incident=incident)
    assert [(move.to_status, move.inferred) for move in moves] == [
        ("OPEN", False),
        ("MITIGATED", False),
        ("RESOLVED", False),
    ]


@pytest.mark.fault("console-F11")
def test_a_commander_who_is_a_member_stands_in_the_list(tenant: Tenant, scope: None, now: datetime) -> None:
    imported(tenant, now, logged(now), logged(now, id="8", commander="Somebody Who Left"))

    rows = page_of_all(filters=HubFilter(kind=""), cadence=policy_in_force().content.cadence, now=now).rows
    assert sorted(row.commander for row in rows) == ["", "Cora Commander"]
    held = RoleAssignment.objects.get()
    assert held.assumed_at == held.incident.acknowledged_at


def test_a_member_is_found_by_address_too(tenant: Tenant, scope: None, now: datetime) -> None:
    imported(tenant, now, logged(now, commander="Cora@Example.test"))

    assert RoleAssignment.objects.get().user.username == "cora"


def test_what_the_log_does_not_say_is_missing(tenant: Tenant, scope: None, now: datetime) -> None:
    bare = logged(now)
    for name in ("detected_at", "acknowledged_at", "mitigated_at", "commander", "declared_by"):
        del bare[name]
    imported(tenant, now, bare)

    incident = Incident.objects.get()
    assert (incident.detected_at, incident.acknowledged_at, incident.mitigated_at) == (None, None, None)
    assert incident.declared_by_name == "Old log"
    assert not RoleAssignment.objects.exists()
    assert [move.to_status for move in StatusTransition.objects.filter(incident=incident)] == ["OPEN", "RESOLVED"]


def test_the_service_of_its_environment_is_affected(tenant: Tenant, scope: None, now: datetime) -> None:
    for environment in Environment.objects.all():
        Node.objects.create(
            tenant_id=tenant.id,
            kind="service",
            key=f"{environment.slug}/ledger-core",
            name="ledger-core",
            environment=environment,
            updated_at=now,
        )
    imported(tenant, now, logged(now), logged(now, id="8", environment=""))

    # Without an environment the name fits several, and none is guessed.
    edge = Edge.objects.get(kind=Edge.Kind.AFFECTS)
    assert edge.target.key == "production/ledger-core"


def test_an_update_is_its_writer_s_and_of_its_source(tenant: Tenant, scope: None, now: datetime) -> None:
    imported(tenant, now, logged(now))

    entry = TimelineEvent.objects.get()
    assert sentence(entry) == "Ben Responder wrote an update"
    assert (entry.actor, entry.data["source"]) == (SOURCE.ref, "Old log")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"severity": "SEV9"}, "severity"),
        ({"resolved_at": "2020-01-01T00:00:00Z"}, "its milestones run backwards"),
        ({"sevrity": "SEV1"}, "sevrity: Extra inputs"),
        ({"declared_at": "2026-01-01T00:00:00"}, "declared_at"),
        ({"updates": [{"at": "soon", "text": "x"}]}, "updates.0.at"),
    ],
    ids=["severity", "order", "spelling", "zone", "update"],
)
def test_a_record_at_fault_is_named_and_spoils_no_other(
    tenant: Tenant, scope: None, now: datetime, changes: dict[str, Any], told: str
) -> None:
    report = imported(tenant, now, logged(now, **changes), logged(now, id="8"))

    assert report.created == 1
    (fault,) = report.rejected
    assert fault.row == "[0]"
    assert told in fault.reason


def test_what_is_no_record_is_named_too() -> None:
    found, faults = read_past(records=["declared_at", 5], services={})  # type: ignore[list-item]

    assert (found, [each.row for each in faults]) == ([], ["[0]", "[1]"])


@pytest.fixture
def both(tenant: Tenant, cora: User, actor: Any, now: datetime) -> None:
    """INC-1 was imported; INC-2 happened here and is open."""
    with tenant_scope(tenant.id):
        imported(tenant, now, logged(now))
        declare_incident(tenant_id=tenant.id, title="Queue stuck", severity="SEV3", actor=actor(cora), now=now)


@pytest.mark.parametrize("tab", ["timeline", "tasks", "assessment", "links", "tickets"])
def test_an_imported_incident_offers_no_act_that_is_refused(both: None, cora: User, as_user: Browser, tab: str) -> None:
    browser = as_user(cora)
    history, own = (
        browser.get(f"/t/northwind/incidents/{code}/?tab={tab}").content.decode() for code in ("INC-1", "INC-2")
    )

    assert 'method="post" action="/t/northwind/incidents/INC-2/' in own
    forms = re.findall(r'<form[^>]*action="/t/northwind/incidents/INC-1/.*?</form>', history, re.DOTALL)
    assert [form for form in forms if 'type="hidden" name="csrf' in form and "<button" in form] == []
    assert "INC-1 was imported from another system." in history
    assert "was imported" not in own


def test_no_postmortem_is_offered_for_an_imported_incident(both: None, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)

    assert "Generate postmortem draft" in browser.get("/t/northwind/incidents/INC-2/postmortem/").content.decode()
    html = browser.get("/t/northwind/incidents/INC-1/postmortem/").content.decode()
    assert "Generate postmortem draft" not in html
    assert "No postmortem is drafted for it here." in html
