"""The demonstration's year of history: the same each time, realistic, complete, and imported as what it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chatops.demo import history, topology
from chatops.demo.people import NORTHWIND
from chatops.demo.scenarios import SCENARIOS, Scenario
from conductor.lib.canonical import sha256_hex
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.history.lifecycle import HistoryReport, HistorySource, import_history
from incidents.history.reader import PastIncident, read_past
from incidents.hub.figures import figures
from incidents.models.choices import Kind
from incidents.models.incident import Incident

PAST, UNREADABLE = read_past(records=json.loads(history.log_json()), services={})
LONGEST = {
    "SEV1": timedelta(hours=2),
    "SEV2": timedelta(hours=5),
    "SEV3": timedelta(hours=4),
    "SEV4": timedelta(hours=8),
}
LATEST = {"SEV1": timedelta(minutes=5), "SEV2": timedelta(minutes=15), "SEV3": timedelta(hours=1)}
"""How soon the built-in response policy wants somebody to take it."""

pytestmark = pytest.mark.fault("console-F11")


def moment(value: datetime | None) -> datetime:
    assert value is not None
    return value


def test_the_log_is_the_same_each_time_and_can_be_read() -> None:
    assert history.log_json() == history.log_json()
    assert UNREADABLE == []
    assert len({each.source_id for each in PAST}) == len(PAST) > 50


def test_it_has_a_year_of_incidents_in_every_month() -> None:
    months = Counter((each.declared_at.year, each.declared_at.month) for each in PAST)

    assert len(months) >= 12
    assert min(list(months.values())[1:-1]) >= 2
    by_severity = Counter(str(each.severity) for each in PAST)
    assert by_severity["SEV1"] < by_severity["SEV2"] < by_severity["SEV3"]
    assert by_severity["SEV4"] > 0


@pytest.mark.parametrize("past", PAST, ids=[each.source_id for each in PAST])
def test_each_incident_has_a_realistic_course(past: PastIncident) -> None:
    detected, acknowledged = moment(past.detected_at), moment(past.acknowledged_at)
    mitigated, resolved = moment(past.mitigated_at), moment(past.resolved_at)

    assert detected < past.declared_at < acknowledged < mitigated < resolved
    assert timedelta(minutes=15) < resolved - past.declared_at < LONGEST[past.severity]
    assert acknowledged - past.declared_at <= LATEST.get(past.severity, timedelta(days=1))
    spoken = [update.occurred_at for update in past.updates]
    assert spoken[0] == past.declared_at
    assert spoken[-1] == resolved
    assert all(past.declared_at <= at <= resolved for at in spoken)
    assert past.updates[-1].body.startswith("Resolved. Cause: ")


def test_services_and_people_are_the_company_s() -> None:
    people = {person.name for person in NORTHWIND}
    may_command = {person.username for person in NORTHWIND if person.role in {"COMMANDER", "RESPONDER"}}

    assert {name for each in PAST for name in each.services} <= set(topology.SERVICES)
    assert {update.by for each in PAST for update in each.updates} <= people
    assert {each.declared_by for each in PAST} <= people
    assert {each.commander for each in PAST} <= may_command


def needs(service: str) -> set[str]:
    """All that the service needs, near and far."""
    found: set[str] = set()
    waiting = [service]
    while waiting:
        fresh = set(topology.SERVICES[waiting.pop()]) - found
        found |= fresh
        waiting.extend(fresh)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.service for each in SCENARIOS])
def test_what_is_hit_too_is_tied_to_what_broke(scenario: Scenario) -> None:
    for also in scenario.also:
        assert scenario.service in needs(also) or also in needs(scenario.service)


def test_the_gravest_happen_once() -> None:
    gravest = [each.title for each in PAST if each.severity == "SEV1"]

    assert len(gravest) == len(set(gravest)) == 2


@pytest.fixture
def imported(tenant: Tenant, now: datetime) -> HistoryReport:
    """The log in the tenant, as the seed imports it."""
    content = history.log_json()
    with tenant_scope(tenant.id):
        return import_history(
            tenant_id=tenant.id,
            records=json.loads(content),
            source=HistorySource(history.KEY, history.NAME, history.FILE_NAME, sha256_hex(content)),
            actor=Actor.system(channel="cli"),
            now=now,
            shift_to_end_at=now - timedelta(days=2),
        )


def test_it_is_imported_with_its_milestones_and_moved_to_end_now(
    imported: HistoryReport, scope: None, now: datetime
) -> None:
    found = Incident.objects.filter(kind=Kind.IMPORTED)
    assert imported.created == found.count() == len(PAST)
    newest = max(each.resolved_at for each in found if each.resolved_at)
    assert now - timedelta(days=9) < newest < now - timedelta(days=2)
    shown = figures(now=now, kind=Kind.IMPORTED)
    assert shown.declared > 10
    to_resolve = shown.to_resolve.summary
    assert (to_resolve.missing, to_resolve.invalid) == (0, 0)
    assert 1800 < (to_resolve.median_seconds or 0) < 10_800


def test_the_tab_of_imported_history_shows_its_figures(
    imported: HistoryReport, as_user: Callable[[User], Client], ben: User
) -> None:
    browser = as_user(ben)

    page = browser.get("/t/northwind/incidents/?view=imported").content.decode()
    assert "Imported of the last 90 days" in page
    assert "Active now" not in page
    assert ">Imported</span>" not in page
    everything = browser.get("/t/northwind/incidents/?view=all").content.decode()
    assert "Declared, 90 days</dt><dd>0</dd>" in everything
    assert everything.count(">Imported</span>") > 50
