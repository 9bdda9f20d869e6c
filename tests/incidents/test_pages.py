"""The incident pages: every tab works for who may see it, in few queries however much there is to show."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conductor.metering.models import PriceBook
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import Task
from incidents.record.chain import chained
from incidents.record.metered import ROLE_SECONDS
from incidents.response.roles import assign_role, release_role
from incidents.response.tasks import add_task
from incidents.timeline.lifecycle import record_decision
from tests.console.test_every_page import TRANSACTION

Declare = Callable[..., Incident]
TABS = ("", "tasks", "assessment", "links", "graph", "runs", "steps", "receipts")
MOST = 14
CHOICES = 2
"""What the list asks besides, for the services and the commanders that its filters offer."""
CONDITIONS = 4
"""What a page asks besides, for the conditions of the next step that it prints: policy, its guards, the rules."""


@pytest.fixture
def busy(declare: Declare, commander: Actor, now: datetime) -> Incident:
    """An incident with something on every tab."""
    incident = declare(service="ledger", answers={"personal_data": "YES"}, dedup_key="busy")
    declare(service="ledger", title="The same again", now=now + timedelta(minutes=3))
    add_task(incident=incident, title="Drain the queue", is_blocking=True, actor=commander, now=now)
    record_decision(incident=incident, text="We wait.", is_negative=True, actor=commander, now=now)
    return incident


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_is_for_members(
    max_: Any, busy: Incident, as_user: Callable[..., Client], ben: Any, cleo: Any, tab: str
) -> None:
    address = f"/t/northwind/incidents/INC-{busy.number}/?tab={tab}"

    assert as_user(ben).get(address).status_code == 200
    assert as_user(cleo).get(address).status_code == 200
    assert as_user(max_).get(address).status_code == 404


WRITES: tuple[tuple[str, dict[str, str]], ...] = (
    ("tasks/", {"title": "t"}),
    ("tasks/1/", {"state": "DONE"}),
    ("answers/", {"personal_data": "NO"}),
    ("duty/", {"regime": "GDPR", "applies": "no", "reason": "Only test data was there."}),
    ("moment/", {"key": "awareness", "at": "2026-11-20T10:00", "reason": "r"}),
    ("link/", {"target": "INC-2", "kind": "RELATED_TO"}),
    ("merge/", {"into": "INC-2"}),
    ("visibility/", {"visibility": "PRIVATE", "reason": "r"}),
    ("role/answer/", {"role": "SCRIBE"}),
    ("role/handover/", {"role": "SCRIBE", "user": "ben", "note": "n"}),
)


@pytest.mark.parametrize(("path", "given"), WRITES)
def test_neither_auditor_nor_stranger_writes(
    max_: Any, busy: Incident, as_user: Callable[..., Client], cleo: Any, path: str, given: dict[str, str]
) -> None:
    address = f"/t/northwind/incidents/INC-{busy.number}/{path}"

    assert as_user(cleo).post(address, given).status_code == 403
    assert as_user(max_).post(address, given).status_code == 404


def test_a_commander_works_through_the_page(busy: Incident, as_user: Callable[..., Client], cora: Any) -> None:
    browser, base = as_user(cora), f"/t/northwind/incidents/INC-{busy.number}/"
    for path, given in WRITES[:6]:
        assert browser.post(base + path, given).status_code == 302, path

    assert b"Drain the queue" in browser.get(base + "?tab=tasks").content
    page = browser.get(base + "?tab=assessment").content.decode()
    assert "have counsel review" in page
    assert "72 hours after awareness" in page
    assert Task.objects.get(number=1).state == "DONE"
    assert Obligation.objects.get(rule_key="gdpr.authority").state == "NOT_APPLICABLE"
    refused = browser.post(base + "transition/", {"to": "CANCELED"})
    assert refused.status_code == 409
    assert "Choose one of FALSE_POSITIVE" in refused.content.decode()


def test_the_hub_of_ten_thousand_and_a_timeline_of_two_thousand_take_few_queries(
    tenant: Tenant, declare: Declare, as_user: Callable[..., Client], cora: Any, now: datetime
) -> None:
    incident = declare(service="ledger", answers={"personal_data": "YES"})
    Incident.objects.bulk_create(
        Incident(
            tenant_id=tenant.id,
            number=n,
            title=f"Incident {n}",
            severity="SEV4",
            status="OPEN" if n % 50 == 0 else "RESOLVED",
            resolved_at=None if n % 50 == 0 else now,
            origin="api",
            declared_by="conductor.system:conductor",
            declared_by_name="Conductor",
            declared_at=now - timedelta(minutes=n),
            recorded_at=now,
        )
        for n in range(2, 10_001)
    )
    newest = TimelineEvent.objects.filter(incident=incident).latest("seq")
    entries = (
        TimelineEvent(
            tenant_id=tenant.id,
            incident=incident,
            seq=seq,
            kind=EventKind.NOTE_ADDED,
            occurred_at=now,
            recorded_at=now,
            actor="tenancy.user:1",
            actor_name="Cora",
            source="console",
            body=f"note {seq}",
        )
        for seq in range(newest.seq + 1, 2_001)
    )
    TimelineEvent.objects.bulk_create(chained(entries, previous=newest.chain_digest))
    browser = as_user(cora)
    browser.get("/t/northwind/incidents/")

    for address in ("", "?view=all", *(f"INC-1/?tab={tab}" for tab in TABS if tab != "runs"), "alerts/"):
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(f"/t/northwind/incidents/{address}").status_code == 200
        asked = [each["sql"] for each in queries if not TRANSACTION.match(each["sql"])]
        # All of them: also those that find out who is there. Only the cost, beside the runs, takes more.
        most = MOST + CONDITIONS if address.startswith("INC-1") else MOST + CHOICES
        assert len(asked) <= most, (address, len(asked), [sql[:120] for sql in asked])


def test_all_incidents_are_reached_page_by_page(
    tenant: Tenant, declare: Declare, as_user: Callable[..., Client], cora: Any, now: datetime
) -> None:
    first = declare()
    Incident.objects.bulk_create(
        Incident(
            tenant_id=tenant.id,
            number=n,
            title=f"Incident {n}",
            severity="SEV4",
            status="RESOLVED",
            resolved_at=datetime.now(tz=now.tzinfo) - timedelta(hours=1),
            origin="api",
            declared_by="conductor.system:conductor",
            declared_by_name="Conductor",
            declared_at=now,
            recorded_at=now,
        )
        for n in range(2, 252)
    )
    browser, base = as_user(cora), "/t/northwind/incidents/"
    seen: list[int] = []
    address = "?view=all"
    for _page in range(3):
        html = browser.get(base + address).content.decode()
        seen += [
            int(number) for number in re.findall(r'<span class="id">INC-(\d+)</span><span class="cell-title', html)
        ]
        older = re.search(r'rel="next" href="([^"]+)"', html)
        address = unescape(older.group(1)) if older else ""

    assert seen == list(range(251, 0, -1))
    assert address == "", "the last page leads nowhere"
    assert first.number == 1
    hub = browser.get(base).content.decode()
    assert "50 of more" in hub
    assert "view=all&amp;status=RESOLVED" in hub
    assert browser.get(base + "?view=all&before=twelve").status_code == 200


def test_csv_export_counts_withheld_rows(
    tenant: Tenant, scope: None, commander: Actor, as_user: Callable[..., Client], ben: Any, ana: Any, now: datetime
) -> None:
    for title, visibility in (("=SUM(A1)", "NORMAL"), ("Plain, with a comma", "NORMAL"), ("Hush", "PRIVATE")):
        declare_incident(
            tenant_id=tenant.id, title=title, severity="SEV3", visibility=visibility, actor=commander, now=now
        )

    def rows(person: Any) -> list[list[str]]:
        text = as_user(person).get("/t/northwind/incidents/export.csv?view=all").content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    mine, all_of_them = rows(ben), rows(ana)
    assert [row[4] for row in mine[1:-1]] == ["'=SUM(A1)", "Plain, with a comma"]
    assert mine[-1] == ["# 2 rows, 1 withheld because they are private"]
    assert [row[4] for row in all_of_them[1:-1]][-1] == "Hush"
    assert all_of_them[-1] == ["# 3 rows, 0 withheld because they are private"]


def test_the_page_says_what_it_cost_and_what_has_no_price(
    declare: Declare, commander: Actor, as_user: Callable[..., Client], cleo: Any, cora: Any, now: datetime
) -> None:
    incident = declare()
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    release_role(incident=incident, role="COMMANDER", actor=commander, now=now + timedelta(hours=1))
    auditor, address = as_user(cleo), f"/t/northwind/incidents/INC-{incident.number}/?tab=runs"

    unpriced = auditor.get(address).content.decode()
    PriceBook.objects.create(meter=ROLE_SECONDS, unit_price="0.025", valid_from=now)
    priced = auditor.get(address).content.decode()

    assert "1h 00m of people&#x27;s time in roles" in unpriced
    assert "manage.py prices" in unpriced
    assert "<b>$90</b>" in priced
