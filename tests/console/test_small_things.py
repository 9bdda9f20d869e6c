"""Small things of pages that make a person stop: names instead of references, links that lead where they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.shell.names import names_of
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.browsing import prove
from tests.console.town import Town

Browser = Callable[[User], Client]


def words_of(html: str) -> str:
    """What a person reads, without tags and their attributes."""
    return re.sub(r"<[^>]*>", " ", html)


@pytest.mark.fault("console-small")
def test_decisions_name_people_and_things(town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)

    table = browser.get("/t/northwind/policy/").content.decode()
    page = browser.get(f"/t/northwind/policy/decisions/{town.decision}/").content.decode()

    assert not re.search(r"tenancy\.user:\d|conductor\.system:", words_of(table))
    assert "Cora" in words_of(table)
    assert "INC-1" in words_of(page)
    assert "tenancy.user:" not in words_of(page.split("<pre", 1)[0])


def test_what_nobody_named_is_named_by_its_kind(tenant: Tenant, cora: User) -> None:
    with tenant_scope(tenant.id):
        found = names_of(["", "conductor.system:sweep", "evidence.bundle:0123456789abcdef", f"tenancy.user:{cora.pk}"])

    assert found == {
        "conductor.system:sweep": "Sweep",
        "evidence.bundle:0123456789abcdef": "Bundle …89abcdef",
        f"tenancy.user:{cora.pk}": "Cora Commander",
    }


@pytest.mark.fault("console-small")
def test_a_cell_of_the_heat_map_leads_to_the_bundles_that_it_counts(town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)
    html = browser.get("/t/northwind/controls/").content.decode()
    cells = re.findall(r'<a href="([^"]+)" data-l="(\d)"[^>]*><span>(\d+)</span>', html)

    assert any(int(count) for _href, _level, count in cells)
    for href, _level, count in [*filter(lambda cell: int(cell[2]), cells), cells[0]]:
        shown = browser.get(href.replace("&amp;", "&")).content.decode()
        assert len(re.findall(r'<th scope="row"><a class="rowlink', shown)) == int(count), href
        assert "whose period ended in" in shown


@pytest.mark.parametrize("query", ["month=2026-13", "month=x", "family=SOC2", "family=:"])
def test_a_filter_that_means_nothing_shows_all(query: str, town: Town, cora: User, as_user: Browser) -> None:
    html = as_user(cora).get(f"/t/northwind/evidence/?{query}").content.decode()

    assert "EVB-1" in html
    assert "All bundles" not in html


@pytest.mark.fault("console-small")
def test_verifying_a_receipt_again_says_what_was_checked_and_when(town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)
    page = f"/t/northwind/receipts/{town.receipt}/"

    first, again = browser.get(page).content.decode(), browser.get(f"{page}?verified").content.decode()

    assert "Checked again:" not in first
    assert "Checked again:" in again
    for html in (first, again):
        assert re.search(r"Checked at <time[^>]*>.*?</time>: [1-9]\d* things looked at", html)


@pytest.mark.fault("console-small")
def test_a_new_token_is_copied_by_a_button_and_tried_by_a_command(ana: User, as_user: Browser, settings: Any) -> None:
    settings.CONDUCTOR_BASE_URL = "https://conductor.example"
    form = {"name": "CI", "scopes": ["incidents:read"], "days": "30"}
    html = prove(as_user(ana)).post("/t/northwind/members/tokens/new/", form).content.decode()

    (secret,) = re.findall(r'id="secret" value="([^"]+)"', html)
    assert f'data-copy="{secret}"' in html
    assert "https://conductor.example/api/v1/tenants/northwind/incidents" in html
    assert html.count(secret) == 2
    command = re.search(r'id="curl">(.*?)</pre>', html, re.DOTALL)
    assert command is not None
    assert secret not in command[1]


@pytest.mark.fault("console-small")
@pytest.mark.parametrize(
    ("backend", "demo", "said"),
    [
        ("django.core.mail.backends.console.EmailBackend", True, "The demonstration has no mail server"),
        ("django.core.mail.backends.console.EmailBackend", False, "written where the web process runs, not sent"),
        ("django.core.mail.backends.dummy.EmailBackend", False, "no mail leaves"),
        ("django.core.mail.backends.locmem.EmailBackend", False, ""),
    ],
    ids=["demonstration", "console", "dummy", "server"],
)
def test_an_invitation_is_sent_only_by_a_mail_server(
    backend: str,
    demo: bool,
    said: str,
    ana: User,
    as_user: Browser,
    settings: Any,
    capsys: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.EMAIL_BACKEND, settings.CONDUCTOR_DEMO = backend, demo
    browser = as_user(ana)
    form = {"email": "new@northwind.example", "role": "RESPONDER", "days": "7"}
    with django_capture_on_commit_callbacks(execute=True):
        browser.post("/t/northwind/members/invitations/new/", form)

    html = browser.get("/t/northwind/members/").content.decode()

    (row,) = [each for each in re.findall(r"<tr>.*?</tr>", html, re.DOTALL) if "new@northwind.example" in each]
    assert (">Sent<" in row) is (said == "")
    assert ("Mail not sent" in row) is (said != "")
    assert said in html
    assert not (demo and "/invitations/" in capsys.readouterr().out)


@pytest.mark.fault("console-small")
def test_nobody_is_awaited_for_what_is_over(town: Town, cora: User, as_user: Browser) -> None:
    html = as_user(cora).get("/t/northwind/incidents/?view=all").content.decode()
    rows = [row for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL) if "Resolved" in row]

    assert rows
    assert not [row for row in rows if "Nobody yet" in row]
