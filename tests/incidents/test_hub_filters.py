"""Filters of the hub combine, stand in the address, are let go one by one, and the CSV holds what the page shows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from incidents.response.roles import assign_role
from tests import world

Browser = Callable[[User], Client]
HUB = "/t/northwind/incidents/"
DAY = timedelta(days=1)


@pytest.fixture
def many(tenant: Tenant, ben: User, cora: User, actor: Any) -> datetime:
    """INC-1 SEV1 ledger today, Cora's; INC-2 SEV2 ledger two days old; INC-3 SEV3 cards four days old, Ben's.

    INC-4 is a SEV1 of a month ago that was resolved then.
    """
    now = clock_now()
    with tenant_scope(tenant.id):
        acts = actor(cora)
        given = [("SEV1", "ledger", 0), ("SEV2", "ledger", 2), ("SEV3", "cards", 4)]
        made = [
            declare_incident(
                tenant_id=tenant.id, title=f"{service} fails", severity=severity, service=service, actor=acts,
                now=now - days * DAY,
            )[0]
            for severity, service, days in given
        ]  # fmt: skip
        assign_role(incident=made[0], role="COMMANDER", user=cora, actor=acts, now=now)
        assign_role(incident=made[2], role="COMMANDER", user=ben, actor=acts, now=now)
        Incident.objects.create(
            tenant_id=tenant.id, number=4, title="Long ago", severity="SEV1", status="RESOLVED", kind="REAL",
            origin="console", declared_by=acts.ref, declared_by_name=acts.name, declared_at=now - 30 * DAY,
            recorded_at=now - 30 * DAY, resolved_at=now - 29 * DAY, service="ledger",
        )  # fmt: skip
    return now


def shown(html: str) -> list[str]:
    return re.findall(r'<span class="id">(?:<mark>)?(INC-\d+)', html[html.index('id="rows"') :])


def exported(browser: Client, html: str) -> list[str]:
    """The codes in the CSV to which the page leads."""
    address = unescape(re.findall(r'href="([^"]*export\.csv[^"]*)"', html)[0])
    rows = csv.DictReader(io.StringIO(browser.get(address).content.decode("utf-8-sig")))
    return [row["code"] for row in rows if row["code"].startswith("INC-")]


def query_of(many: datetime, template: str, ben: User, cora: User) -> str:
    days = {"today": many.date(), "before": (many - 3 * DAY).date(), "between": (many - DAY).date()}
    return template.format(ben=ben.pk, cora=cora.pk, **days)


@pytest.mark.fault("console-F8")
@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("", ["INC-1", "INC-2", "INC-3"]),
        ("severity=SEV1&severity=SEV3", ["INC-1", "INC-3"]),
        ("severity=sev1,sev2", ["INC-1", "INC-2"]),
        ("service=ledger", ["INC-1", "INC-2"]),
        ("commander={cora}", ["INC-1"]),
        ("commander=nobody", ["INC-2"]),
        ("from={today}", ["INC-1"]),
        ("from={before}&to={between}", ["INC-2"]),
        ("service=ledger&commander={ben}", []),
        ("service=ledger&severity=SEV2&commander=nobody&to={between}&q=fails", ["INC-2"]),
        ("view=all&service=ledger&severity=SEV1", ["INC-4", "INC-1"]),
        ("view=all&commander=nobody&status=RESOLVED", ["INC-4"]),
    ],
)
def test_filters_combine_and_the_csv_follows(
    many: datetime, cleo: User, ben: User, cora: User, as_user: Browser, template: str, found: list[str]
) -> None:
    browser = as_user(cleo)
    html = browser.get(f"{HUB}?{query_of(many, template, ben, cora)}").content.decode()

    assert shown(html) == found
    assert sorted(exported(browser, html)) == sorted(found)


@pytest.mark.fault("console-F8")
def test_each_filter_is_let_go_by_itself_and_the_others_stay(
    many: datetime, cleo: User, ben: User, cora: User, as_user: Browser
) -> None:
    browser = as_user(cleo)
    full = f"q=fails&severity=SEV2&service=ledger&commander=nobody&to={(many - DAY).date()}&sort=-declared"
    html = browser.get(f"{HUB}?{full}").content.decode()

    links = [unescape(each) for each in re.findall(r'href="(\?[^"]*)" aria-label="Remove', html)]
    assert len(links) == 3
    for name, link in zip(("service", "commander", "to"), links, strict=True):
        kept = dict(each.split("=") for each in full.split("&") if not each.startswith(name))
        assert dict(each.split("=") for each in link[1:].split("&")) == kept
    assert 'Declared</span><span class="op">until' in html


@pytest.mark.fault("console-F8")
@pytest.mark.parametrize(
    ("sort", "found", "said"),
    [
        ("declared", ["INC-3", "INC-2", "INC-1"], "ascending"),
        ("-declared", ["INC-1", "INC-2", "INC-3"], "descending"),
        ("-elapsed", ["INC-3", "INC-2", "INC-1"], "descending"),
        ("service", ["INC-3", "INC-2", "INC-1"], "ascending"),
        ("commander", ["INC-3", "INC-1", "INC-2"], "ascending"),
        ("-severity", ["INC-3", "INC-2", "INC-1"], "descending"),
    ],
)
def test_the_list_is_sorted_by_its_headings(
    many: datetime, cleo: User, as_user: Browser, sort: str, found: list[str], said: str
) -> None:
    html = as_user(cleo).get(f"{HUB}?sort={sort}").content.decode()

    assert shown(html) == found
    (heading,) = re.findall(r"<th[^>]*aria-sort[^>]*>.*?</th>", html)
    assert f'aria-sort="{said}"' in heading
    opposite = sort[1:] if sort.startswith("-") else f"-{sort}"
    assert f'href="?sort={opposite}"' in heading


def test_what_cannot_be_read_narrows_nothing_and_is_said(many: datetime, cleo: User, as_user: Browser) -> None:
    html = as_user(cleo).get(f"{HUB}?from=yesterday&commander=x&severity=SEV9&sort=colour&view=odd").content.decode()

    assert shown(html) == ["INC-1", "INC-2", "INC-3"]
    assert "“yesterday” is no day" in html
    assert "The commander is named by a number" in html
    assert as_user(cleo).get(f"{HUB}?to=9999-12-31&from=0001-01-01&commander={'9' * 30}").status_code == 200


def test_a_sorted_list_of_all_is_read_page_by_page(
    many: datetime, cleo: User, as_user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("incidents.hub.selectors"), "PAGE", 3)
    browser = as_user(cleo)

    first = browser.get(f"{HUB}?view=all&sort=declared").content.decode()
    link = unescape(re.findall(r'rel="next" href="([^"]*)"', first)[0])

    assert shown(first) == ["INC-4", "INC-3", "INC-2"]
    assert shown(browser.get(f"{HUB}{link}").content.decode()) == ["INC-1"]


def test_the_board_has_a_lane_for_each_status_and_keeps_the_filters(
    many: datetime, cleo: User, as_user: Browser
) -> None:
    html = as_user(cleo).get(f"{HUB}?layout=board&service=ledger").content.decode()

    lanes = re.findall(r'id="lane-(\w+)".*?<span class="count">(\d+)', html)
    assert lanes == [("open", "2"), ("mitigated", "0"), ("monitoring", "0"), ("resolved", "0")]
    assert shown(html) == ["INC-1", "INC-2"]
    assert 'href="?service=ledger"' in html, "back to the list, with the filter"


def test_an_organisation_without_incidents_is_led_on_by_what_its_member_may_do(
    tenant: Tenant, ana: User, cleo: User, ben: User, actor: Any, as_user: Browser
) -> None:
    admin, auditor = (as_user(each).get(HUB).content.decode() for each in (ana, cleo))

    for address in ("declare/", "alerts/sources/", "/t/northwind/slack/", "/t/northwind/members/"):
        assert re.search(rf'class="rowlink" href="[^"]*{address}"', admin), address
        assert not re.search(rf'class="rowlink" href="[^"]*{address}"', auditor), address
    assert "Read the response rules" in auditor

    with tenant_scope(world.NORTHWIND):
        declare_incident(
            tenant_id=tenant.id,
            title="Payroll",
            severity="SEV4",
            visibility="PRIVATE",
            actor=actor(ana),
            now=clock_now(),
        )
    assert "Where to begin" not in as_user(cleo).get(HUB).content.decode(), "a private one is one"
