"""Every page of the console: who gets in, what it costs, and that it needs neither scripts nor inline code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.console import pages
from tests.console.town import Town

Browser = Callable[[User], Client]

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
QUERIES = 16
"""Two of them are the sidebar's: what waits for the person, and the response policy that says until when."""
IDENTIFYING = 4
"""How many queries it takes to know who is there; what a page asks of the same tables beyond them is its own."""
TRANSACTION = re.compile(r"^(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT|SELECT set_config)\b")
"""What a test's own transaction adds: outside of one, the scope is BEGIN, one set_config and COMMIT."""
IDENTITY = re.compile(
    r"FROM \"(django_session|auth_user|guardian_userobjectpermission)\"|"
    r"conductor_(user_tenants|tenant_id)\(|"
    r"FROM \"conductor_membership\" WHERE .*\"user_id\" = "
)
"""What every request asks before a page begins: who is there, in which organisation, with which permissions."""
FORBIDDEN = {
    "inline style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE),
    "handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on\b"),
    "javascript address": re.compile(r"(href|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "script of a title": re.compile(r"<script>alert"),
}


def test_no_page_is_forgotten_here() -> None:
    known = pages.READS.keys() | pages.WRITES.keys() | pages.SIGNPOSTS

    assert pages.names_below_a_tenant() == known, "add new pages to tests/console/pages.py"


def test_a_stranger_cannot_tell_what_exists(town: Town, max_: User, as_user: Browser) -> None:
    browser = as_user(max_)

    for each in [*pages.reads(town), *pages.writes(town)]:
        for path in (each.path, each.absent, each.path.replace("northwind", "nobody")):
            answers = [browser.get(path), browser.post(path)]
            assert [answer.status_code for answer in answers] == [404, 404], path
            assert len({_told(answer) for answer in answers}) == 1, path
            assert _told(answers[0]) == _told(browser.get("/t/nobody/incidents/")), path


def test_the_unknown_are_sent_to_sign_in(town: Town, client: Client) -> None:
    for each in [*pages.reads(town), *pages.writes(town)]:
        if each.name in pages.WRITES and each.name != "incidents:declare":
            continue
        response = client.get(each.path)
        assert response.status_code == 302, each.path
        assert response["Location"].startswith("/accounts/login/?next=/t/northwind/"), each.path


def test_the_unknown_change_nothing(town: Town, client: Client) -> None:
    for each in pages.writes(town):
        response = client.post(each.path)
        assert response.status_code == 302, each.path
        assert response["Location"].startswith("/accounts/login/"), each.path


def test_an_auditor_reads_everything(town: Town, cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)

    for each in pages.reads(town):
        response = browser.get(each.path)
        assert response.status_code == 200, each.path


def test_an_auditor_writes_nothing(town: Town, cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)

    for each in pages.writes(town):
        response = browser.post(each.path)
        assert response.status_code == 403, each.path
        assert "Only " in response.content.decode(), each.path


def test_what_does_not_exist_is_not_found(town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)

    for each in [*pages.reads(town), *pages.writes(town)]:
        if each.absent != each.path and each.name not in {"console:run_action"}:
            send = browser.post if each.name in pages.WRITES else browser.get
            assert send(each.absent).status_code == 404, each.absent


def test_no_page_needs_inline_code_and_each_says_so_in_its_policy(town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)

    for each in [*pages.pages(town), *pages.writes(town)]:
        response = browser.get(each.path)
        if each.name in pages.WRITES and response.status_code == 405:
            continue
        policy = {part.strip() for part in response["Content-Security-Policy"].split(";")}
        assert policy == POLICY, each.path
        html = response.content.decode()
        assert [name for name, found in FORBIDDEN.items() if found.search(html)] == [], each.path


def test_everything_has_an_address_without_scripts(town: Town, cora: User, as_user: Browser) -> None:
    """What htmx or console.js would do by script is a real link, a real form or a popover."""
    browser = as_user(cora)

    for each in pages.pages(town):
        html = browser.get(each.path).content.decode()
        assert not re.search(r"<a\b(?![^>]*\bhref=)", html), each.path
        assert not re.search(r'href="#"', html), each.path
        for form in re.findall(r"<form\b.*?</form>", html, re.DOTALL):
            if 'method="post"' in form.split(">", 1)[0]:
                assert "csrfmiddlewaretoken" in form, each.path
        for button in re.findall(r"<button\b[^>]*>", html):
            if 'type="button"' in button:
                assert re.search(r"popovertarget=|data-(copy|close|dialog|dismiss)", button), (each.path, button)


@pytest.mark.parametrize("name", sorted(set(pages.READS) - pages.NOT_PAGES))
def test_each_page_takes_at_most_twelve_queries(name: str, town: Town, cora: User, as_user: Browser) -> None:
    browser = as_user(cora)
    for address in [each for each in pages.pages(town) if each.name == name]:
        browser.get(address.path)
        with CaptureQueriesContext(connection) as counted:
            assert browser.get(address.path).status_code == 200, address.path
        asked = [each["sql"] for each in counted if not TRANSACTION.match(each["sql"])]
        identity = [query for query in asked if IDENTITY.search(query)]

        told = "\n".join([address.path, *(query[:150] for query in asked)])
        assert len(asked) - min(len(identity), IDENTIFYING) <= QUERIES, told


def _told(response: Any) -> str:
    """What a page says, without what differs from request to request."""
    return re.sub(r'data-now="[^"]*"|datetime="[^"]*"|\d\d:\d\d:\d\d', "", response.content.decode())
