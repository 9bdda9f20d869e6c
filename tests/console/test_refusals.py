"""A refused form comes back on its own page, with the reason beside it and everything that was typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.response.roles import assign_role

Browser = Callable[[User], Client]


@pytest.fixture
def incident(tenant: Tenant, cora: User, actor: Any, now: datetime) -> Incident:
    with tenant_scope(tenant.id):
        return declare_incident(tenant_id=tenant.id, title="Payouts fail", severity="SEV1", actor=actor(cora), now=now)[
            0
        ]


@pytest.fixture
def page(incident: Incident) -> str:
    return f"/t/northwind/incidents/{incident.code}/"


def send(browser: Client, page: str, path: str, data: dict[str, str], *, query: str = "") -> HttpResponse:
    """Post a form as a browser does: with the page that it stands on."""
    return browser.post(f"{page}{path}", data, headers={"Referer": f"http://testserver{page}{query}"})  # type: ignore[return-value]


@pytest.mark.fault("console-F7")
@pytest.mark.parametrize(
    ("path", "data", "status", "words", "kept"),
    [
        ("classification/", {"severity": "SEV4"}, 422, "Reason: ", "<option selected>SEV4</option>"),
        (
            "transition/",
            {"to": "RESOLVED", "reason": "it is over"},
            409,
            "cannot move to Resolved",
            'value="it is over"',
        ),
        ("update/", {"body": " ", "as": "update"}, 422, "Please check what you entered", "Post an update"),
        ("tasks/", {"title": "x" * 201}, 422, "Title: ", "x" * 201),
        ("role/", {"role": "KING", "user": "ben"}, 422, "Role: ", "What you entered"),
    ],
)
def test_a_refusal_stands_on_the_page_of_the_form(
    page: str, cora: User, as_user: Browser, path: str, data: dict[str, str], status: int, words: str, kept: str
) -> None:
    tab = "?tab=tasks" if path == "tasks/" else ""

    response = send(as_user(cora), page, path, data, query=tab)

    html = response.content.decode()
    assert response.status_code == status
    assert "Payouts fail" in html
    assert 'aria-label="Navigation"' in html
    assert words in html
    assert kept in html
    assert "Nothing was changed." in html


@pytest.mark.fault("console-F7")
def test_links_of_the_page_still_lead_where_they_did(page: str, cora: User, as_user: Browser) -> None:
    html = send(as_user(cora), page, "transition/", {"to": "RESOLVED"}).content.decode()

    assert f'href="{page}?tab=tasks"' in html
    assert 'href="?' not in html


@pytest.mark.fault("console-F7")
def test_a_member_who_may_override_finds_the_field_where_the_conditions_stand(
    page: str, incident: Incident, tenant: Tenant, cora: User, ben: User, actor: Any, as_user: Browser, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        acknowledge_incident(incident=incident, actor=actor(cora), now=now, take_command=True)
        move_incident(incident=incident, to="MITIGATED", actor=actor(cora), now=now, override="drill, nobody is hit")
    refused = {who: send(as_user(who), page, "transition/", {"to": "RESOLVED"}).content.decode() for who in (cora, ben)}

    assert 'name="override" minlength="10"' in refused[cora]
    assert 'name="override" minlength="10"' not in refused[ben]
    again = send(as_user(cora), page, "transition/", {"to": "RESOLVED", "override": "short"})
    assert again.status_code in {409, 422}


@pytest.mark.fault("console-F7")
def test_what_the_next_step_needs_is_printed_before_anybody_presses_it(
    page: str, incident: Incident, tenant: Tenant, cora: User, cleo: User, actor: Any, as_user: Browser, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        acknowledge_incident(incident=incident, actor=actor(cora), now=now, take_command=True)
        for status in ("MITIGATED", "MONITORING"):
            move_incident(incident=incident, to=status, actor=actor(cora), now=now)

    html = as_user(cora).get(page).content.decode()
    needs = re.search(r'id="needs".*?</ul>', html, re.DOTALL)

    assert needs is not None
    assert "Nobody has posted an update" in needs[0]
    assert 'id="confirm-move"' not in html
    assert 'id="needs"' not in as_user(cleo).get(page).content.decode()

    send(as_user(cora), page, "update/", {"body": "Payouts run again.", "as": "update"})
    assert "Nobody has posted an update" not in as_user(cora).get(page).content.decode()


@pytest.mark.fault("console-F6")
def test_a_move_is_confirmed_before_it_is_made(
    page: str, incident: Incident, tenant: Tenant, cora: User, actor: Any, as_user: Browser, now: datetime
) -> None:
    """`S` opens what it would do; only the button in there sends it."""
    with tenant_scope(tenant.id):
        incident = declare_incident(tenant_id=tenant.id, title="Slow", severity="SEV3", actor=actor(cora), now=now)[0]
        acknowledge_incident(incident=incident, actor=actor(cora), now=now, take_command=True)
    html = as_user(cora).get(f"/t/northwind/incidents/{incident.code}/").content.decode()

    (button,) = re.findall(r'<button[^>]*data-key="s"[^>]*>', html)
    assert 'type="button"' in button
    assert 'popovertarget="confirm-move"' in button
    assert "You can undo it for ten minutes; after that, moving back needs a reason." in html
    moves = [form for form in re.findall(r"<form.*?</form>", html, re.DOTALL) if "transition/" in form]
    assert moves
    assert not [form for form in moves if "data-key" in form]


@pytest.mark.fault("console-F5")
def test_the_commander_of_an_incident_staffs_it_whatever_their_role_in_the_organisation(
    page: str, incident: Incident, tenant: Tenant, ben: User, cora: User, actor: Any, as_user: Browser, now: datetime
) -> None:
    give = {"role": "SCRIBE", "user": f"tenancy.user:{cora.pk}"}
    offered = f'name="user" value="tenancy.user:{cora.pk}"'
    browser = as_user(ben)
    assert offered not in browser.get(page).content.decode()
    assert send(browser, page, "role/", give).status_code == 403

    with tenant_scope(tenant.id):
        assign_role(incident=incident, role="COMMANDER", user=ben, actor=actor(ben), now=now)

    assert offered in browser.get(page).content.decode()
    assert send(browser, page, "role/", give).status_code == 302
    assert send(browser, page, "role/release/", {"role": "SCRIBE"}).status_code == 302
    with tenant_scope(tenant.id):
        other = declare_incident(tenant_id=tenant.id, title="Other", severity="SEV2", actor=actor(cora), now=now)[0]
    assert browser.post(f"/t/northwind/incidents/{other.code}/role/", give).status_code == 403


@pytest.mark.fault("console-F4", "console-F10")
def test_the_switcher_leads_into_each_organisation_and_by_role(
    ben: User, cleo: User, max_: User, as_user: Browser
) -> None:
    html = as_user(ben).get("/t/northwind/incidents/").content.decode()
    (organisations,) = re.findall(r'<nav class="menu" id="tenants".*?</nav>', html, re.DOTALL)
    links = re.findall(r'href="([^"]+)"', organisations)

    assert links
    for link in links:
        assert as_user(ben).get(link, follow=True).status_code == 200
    assert as_user(ben).get("/t/northwind/")["Location"] == "/t/northwind/incidents/"
    assert as_user(cleo).get("/t/northwind/")["Location"] == "/t/northwind/evidence/"
    assert as_user(max_).get("/t/northwind/").status_code == 404


@pytest.mark.fault("console-F6")
def test_recording_a_decision_is_a_mode_that_every_way_of_sending_keeps(
    page: str, incident: Incident, tenant: Tenant, cora: User, as_user: Browser
) -> None:
    html = as_user(cora).get(page).content.decode()
    composer = re.search(r'<form class="composer".*?</form>', html, re.DOTALL)

    assert composer is not None
    assert re.findall(r'<input[^>]*type="checkbox"[^>]*name="as" value="(\w+)"', composer[0]) == ["decision"]
    assert len(re.findall("<button", composer[0])) == 1
    assert not re.search(r"<button[^>]*name=", composer[0])
    send(as_user(cora), page, "update/", {"body": "Fail over now.", "as": "decision"})
    send(as_user(cora), page, "update/", {"body": "Failed over."})
    with tenant_scope(tenant.id):
        kinds = incident.timeline.order_by("seq").values_list("kind", "body")
        assert list(kinds)[-2:] == [
            (EventKind.DECISION_RECORDED, "Fail over now."),
            (EventKind.UPDATE_POSTED, "Failed over."),
        ]
    kept = send(as_user(cora), page, "update/", {"body": " ", "as": "decision"}).content.decode()
    assert re.search(r'name="as" value="decision" checked', kept)
    assert "⌘" not in composer[0]
