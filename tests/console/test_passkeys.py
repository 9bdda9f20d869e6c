"""Passkeys and security keys in a real browser, with Chromium's virtual authenticator in place of a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from conductor.ledger.models import Receipt
from conductor.tenancy.database.scope import tenant_scope
from tests import database, world
from tests.console import screenshots
from tests.console.browsing import CHROMIUM, aside, serving

pytestmark = pytest.mark.counterpart("chromium")


@pytest.fixture
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A server under a name: a key belongs to a domain, and an IP address is none."""
    cache.clear()
    with django_db_blocker.unblock():
        with serving() as address:
            yield address.replace("127.0.0.1", "localhost")
        connections.close_all()
        database.create_clone()


@pytest.fixture
def context(address: str) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser: Browser = screenshots.open_browser(playwright, executable=str(CHROMIUM))
        context = browser.new_context(base_url=address)
        yield context
        browser.close()


def _authenticator(page: Page, *, verifies: bool) -> tuple[Any, str]:
    """Plug a virtual authenticator in; return the protocol's session and its id."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal" if verifies else "usb",
        "hasResidentKey": verifies,
        "hasUserVerification": verifies,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    return devtools, devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def _password(page: Page, name: str = "ben") -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", f"{name}@example.test")
    page.fill("input[name=password]", f"{name}-password")
    page.get_by_role("button", name="Sign in", exact=True).click()


def _add_key(page: Page, *, passwordless: bool) -> None:
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill(
        "input[name=password]", "ben-password"
    )  # a key may be added only right after the password was given again
    page.locator("main form button").first.click()
    page.fill("input[name=name]", "Ben's key")
    page.locator("input[name=passwordless]").set_checked(passwordless)
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url("**/accounts/2fa/recovery-codes/")


def _sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main form button").first.click()
    page.wait_for_url("**/accounts/login/**")


def _proofs() -> list[str]:
    def read() -> list[str]:
        with tenant_scope(world.NORTHWIND):
            found = Receipt.objects.filter(action="access.signin.succeeded").order_by("id")
            return [each.body["authentication"] for each in found]

    return aside(read)


def test_a_passkey_signs_in_by_itself_and_counts_as_both_steps(context: BrowserContext) -> None:
    page = context.new_page()
    devtools, key = _authenticator(page, verifies=True)
    _password(page)
    page.wait_for_url("**/incidents/")
    _add_key(page, passwordless=True)
    assert len(devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1
    _sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/t/northwind/incidents/")
    expect(page.locator(".side-foot")).to_contain_text("Ben Responder")
    assert _proofs() == ["password", "mfa"]


def test_a_security_key_is_the_second_step_after_the_password(context: BrowserContext) -> None:
    page = context.new_page()
    devtools, key = _authenticator(page, verifies=False)
    _password(page)
    page.wait_for_url("**/incidents/")
    _add_key(page, passwordless=False)
    _sign_out(page)

    _password(page)
    page.wait_for_url("**/accounts/2fa/authenticate/")
    page.goto("/t/northwind/incidents/")
    assert page.url.endswith("/accounts/2fa/authenticate/")  # the password alone opens nothing
    page.locator("#mfa_webauthn_authenticate").click()
    page.wait_for_url("**/t/northwind/incidents/")
    assert _proofs()[-1] == "mfa"

    _sign_out(page)
    devtools.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    _password(page)
    page.wait_for_url("**/accounts/2fa/authenticate/")
    page.locator("#mfa_webauthn_authenticate").click()
    page.wait_for_timeout(1000)
    assert page.url.endswith("/accounts/2fa/authenticate/")
