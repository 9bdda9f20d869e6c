"""The lists of incidents find what they show: by number, word and person, history included where all are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import Kind
from incidents.models.incident import Incident
from incidents.response.roles import assign_role

Browser = Callable[[User], Client]
HUB = "/t/northwind/incidents/"


@pytest.fixture
def incidents(tenant: Tenant, ben: User, cora: User, actor: Any, now: datetime) -> None:
    """INC-1 real and declared by Ben, INC-2 imported, INC-3 resolved; Cora is scribe of the first."""
    with tenant_scope(tenant.id):
        first = declare_incident(tenant_id=tenant.id, title="Payouts fail", severity="SEV2", actor=actor(ben), now=now)[
            0
        ]
        assign_role(incident=first, role="SCRIBE", user=cora, actor=actor(cora), now=now)
        for number, kind, title in ((900, Kind.IMPORTED, "Old outage"), (901, Kind.REAL, "Queue stuck")):
            Incident.objects.create(
                tenant_id=tenant.id, number=number, title=title, severity="SEV3", status="RESOLVED", kind=kind,
                origin="import", declared_by="conductor.system:conductor", declared_by_name="Conductor",
                declared_at=now - timedelta(days=90), recorded_at=now, resolved_at=now - timedelta(days=89),
            )  # fmt: skip


def codes(html: str) -> set[str]:
    return set(re.findall(r'<span class="id">(?:<mark>)?(INC-\d+|EVB-\d+)', html))


@pytest.mark.fault("console-F8")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("view=all", {"INC-1", "INC-900", "INC-901"}),
        ("view=all&q=INC-900", {"INC-900"}),
        ("view=all&q=outage", {"INC-900"}),
        ("view=imported", {"INC-900"}),
        ("q=ben", {"INC-1"}),
        ("q=cora", {"INC-1"}),
        ("q=nobody-like-that", set()),
    ],
)
def test_a_list_of_incidents_finds_what_is_there(
    incidents: None, cleo: User, as_user: Browser, query: str, found: set[str]
) -> None:
    html = as_user(cleo).get(f"{HUB}?{query}").content.decode()
    table = html[html.index('id="rows"') :]

    assert codes(table) == found
    if not found:
        assert "Search all incidents" in table


@pytest.mark.fault("console-F8")
def test_the_export_of_a_view_holds_what_the_view_shows(incidents: None, cleo: User, as_user: Browser) -> None:
    lines = as_user(cleo).get(f"{HUB}export.csv?view=all").content.decode("utf-8-sig").strip().splitlines()

    assert len(lines) == 1 + 3 + 1, "a heading, three incidents, and how many are withheld"


def test_an_incident_that_nobody_commands_yet_is_not_one_that_nobody_commanded(
    incidents: None, cleo: User, as_user: Browser
) -> None:
    html = as_user(cleo).get(f"{HUB}?view=all").content.decode()
    rows = {row[1]: row[0] for row in re.finditer(r'<tr><td>.*?<span class="id">(INC-\d+).*?</tr>', html, re.DOTALL)}
    who = {code: row[row.index('class="c-who">') :].partition("</td>")[0] for code, row in rows.items()}

    assert {code: re.sub(r'<svg.*?</svg>|<[^>]+>|class="c-who">', "", said).strip() for code, said in who.items()} == {
        "INC-1": "Nobody yet",
        "INC-900": "Not recorded",
        "INC-901": "Nobody",
    }


@pytest.mark.fault("field-35")
def test_a_spreadsheet_shows_every_script(as_user: Any, cleo: Any) -> None:
    """Without the mark it reads UTF-8 as an encoding of its own country."""
    assert as_user(cleo).get(f"{HUB}export.csv?view=all").content.startswith("\ufeff".encode())
