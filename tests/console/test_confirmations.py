"""Acts that cannot be taken back say what they do before they do it, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conductor.engine.lifecycle.starting import start_run
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import ApiToken, Membership, Tenant
from incidents.alerts.sources import add_alert_source
from incidents.models.alert import AlertSource
from tests.database import ROOT
from tests.engine.conftest import define  # noqa: F401 - the fixture of a small workflow

Browser = Callable[[User], Client]
ENDINGS = (
    "console:member_invitation_revocation",
    "console:member_token_revocation",
    "incidents:alert_source_end",
    "incidents:link_end",
    "slack:disconnect",
    "run_action' tenant.slug run.number 'cancellation",
    "postmortem_review' slug incident.number 'publication",
    "ticket_step' slug ticket.id 'end",
)
"""What ends something or makes it public, as templates name it."""

pytestmark = pytest.mark.fault("console-F6")


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_page_has_a_single_button_that_ends_something(ending: str) -> None:
    texts = [path.read_text() for path in sorted((ROOT / "templates").rglob("*.html"))]
    places = [tag for text in texts for tag in re.findall(r"\{% url [^%]*%\}", text) if ending in tag]
    forms = [tag for text in texts for tag in re.findall(r'<form[^>]*action="(\{% url [^%]*%\})', text)]

    assert places
    assert all(re.search(r" as \w+_url %\}", tag) for tag in places)
    assert not [tag for tag in forms if ending in tag]
    for text in texts:
        for name in [match[1] for match in re.finditer(r" as (\w+_url) %\}", text) if ending in text]:
            if re.search(re.escape(ending) + r"[^%]* as " + name, text):
                assert re.search(r'include "components/confirm.html" with [^%]*action=' + name, text)


def _asked(html: str, path: str) -> str:
    """Return the one form that sends to `path`, which hangs on a button that opens it."""
    (form,) = [each for each in re.findall(r"<form.*?</form>", html, re.DOTALL) if f'action="{path}"' in each]
    name = re.search(r'id="([^"]+)" popover', form)
    assert name is not None
    (opener,) = [each for each in re.findall(r"<button[^>]*>", html[: html.index(form)]) if f'"{name[1]}"' in each]
    assert 'type="button"' in opener
    assert "autofocus" in form
    assert f'popovertarget="{name[1]}" popovertargetaction="hide"' in form
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", form)).strip()


def test_revoking_a_token_is_confirmed(tenant: Tenant, ana: User, as_user: Browser, now: datetime) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(tenant=tenant, user=ana)
        issue_token(membership=membership, name="nightly", scopes=["runs:read"], now=now)
        token = ApiToken.objects.get(name="nightly")
    path = reverse("console:member_token_revocation", args=["northwind", token.id])

    said = _asked(as_user(ana).get("/t/northwind/members/tokens/").content.decode(), path)

    assert said.startswith("Revoke nightly? Programs that use it are refused at once.")


def test_ending_an_alert_source_is_confirmed_and_then_done(
    tenant: Tenant, ana: User, actor: Any, as_user: Browser, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=actor(ana), now=now)
    page = "/t/northwind/incidents/alerts/sources/at/probe/"
    browser = as_user(ana)
    path = reverse("incidents:alert_source_end", args=["northwind", "probe"])

    assert "An ended source cannot be started again" in _asked(browser.get(page).content.decode(), path)
    assert browser.post(path).status_code == 302
    with tenant_scope(tenant.id):
        assert AlertSource.objects.get(name="probe").disabled_at is not None
    assert path not in browser.get(page).content.decode()


def test_cancelling_a_run_by_its_key_asks_first(
    define: Any,  # noqa: F811 - pytest's way
    tenant: Tenant,
    cora: User,
    as_user: Browser,
    now: datetime,
) -> None:
    name = define([_step])
    with tenant_scope(tenant.id):
        start_run(tenant_id=tenant.id, workflow=name, actor=Actor.system(), now=now)
    html = as_user(cora).get("/t/northwind/runs/R-1/").content.decode()

    (keyed,) = re.findall(r'<button[^>]*data-key="x"[^>]*>', html)
    assert 'popovertarget="confirm-cancel"' in keyed
    assert "Let it run" in _asked(html, "/t/northwind/runs/R-1/cancellation/")


def _step(ctx: Any) -> dict[str, Any]:
    return {}
