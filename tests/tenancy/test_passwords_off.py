"""Where passwords are switched off, none lets anybody in by any way; an operator's link does, and leaves receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core import mail
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from conductor.access.addresses import holder_of
from conductor.access.lifecycle.break_glass import BreakGlassNotValid, issue_break_glass, use_break_glass
from conductor.access.lifecycle.invitations import invite
from conductor.console.people.passwords import ABOUT_PASSWORDS
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant
from tests.browsing import prove

pytestmark = pytest.mark.fault("security-9")
BEN = {"login": "ben@example.test", "password": "ben-password"}
REASON = "The identity provider is down."


@pytest.fixture(autouse=True)
def off(settings: Any) -> None:
    settings.CONDUCTOR_PASSWORD_SIGNIN = False


def test_the_right_password_lets_nobody_in(tenant: Tenant) -> None:
    browser = Client()

    answer = browser.post("/accounts/login/", BEN)

    assert answer.status_code == 403
    assert "Passwords are switched off here" in answer.content.decode()
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "ben", "password": "ben-password"},
        {"username": "ben@example.test", "password": "ben-password"},
        {"email": "ben@example.test", "password": "ben-password"},
    ],
    ids=["name", "address as name", "address"],
)
def test_no_backend_takes_a_password(settings: Any, tenant: Tenant, credentials: dict[str, str]) -> None:
    request = RequestFactory().get("/")
    assert authenticate(request, **credentials) is None

    settings.CONDUCTOR_PASSWORD_SIGNIN = True
    assert authenticate(request, **credentials) is not None


def test_the_admin_pages_take_no_password_of_their_own(tenant: Tenant) -> None:
    browser = Client()

    answer = browser.post("/admin/login/", {"username": "ana", "password": "ana-password"})

    assert answer["Location"].startswith("/accounts/login/")
    assert browser.get("/admin/").status_code == 302
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path",
    [
        "/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/password/reset/key/1-set-password/",
        "/accounts/password/reset/key/done/", "/accounts/password/change/", "/accounts/password/set/",
        "/accounts/reauthenticate/",
    ],
)  # fmt: skip
def test_no_page_sets_sends_or_asks_for_one(
    ben: User, as_user: Callable[[User], Client], tenant: Tenant, path: str, method: str
) -> None:
    given = {"email": ben.email, "password": "ben-password", "oldpassword": "ben-password"}
    given |= {"password1": "another-long-password", "password2": "another-long-password"}
    before = ben.password

    for browser in (Client(), prove(as_user(ben))):
        answer = getattr(browser, method)(path, given)
        assert (answer.status_code, "switched off here" in answer.content.decode()) == (403, True)

    ben.refresh_from_db()
    assert (ben.password, mail.outbox) == (before, [])


def test_every_address_about_passwords_is_known_here() -> None:
    named = {name for name in _names(get_resolver()) if "password" in name or "reauthenticate" in name}

    assert len(named) >= 7
    # The second step's own: a code or a key, no password.
    assert {name for name in named if not name.startswith(ABOUT_PASSWORDS)} == {
        "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
    }  # fmt: skip


def test_the_page_to_sign_in_offers_the_other_ways_alone(tenant: Tenant) -> None:
    page = Client().get("/accounts/login/").content.decode()

    assert 'type="password"' not in page
    assert "Forgot your password" not in page
    assert "Sign in with a passkey" in page


def test_confirming_who_one_is_offers_no_password(
    settings: Any, ben: User, as_user: Callable[[User], Client], tenant: Tenant
) -> None:
    browser = prove(as_user(ben), seconds_ago=3600)
    assert "Use your password" not in browser.get("/accounts/confirm/").content.decode()

    settings.CONDUCTOR_PASSWORD_SIGNIN = True
    assert "Use your password" in browser.get("/accounts/confirm/").content.decode()


def test_an_invited_person_gets_an_account_without_password_and_signs_in_elsewhere(
    tenant: Tenant, ana: User, actor: Any
) -> None:
    with tenant_scope(tenant.id):
        issued = invite(
            tenant=tenant, email="dora@example.test", role="RESPONDER", days=7, actor=actor(ana), now=clock_now()
        )
    browser, path = Client(), f"/invitations/{issued.secret}/"

    assert 'name="password"' not in browser.get(path).content.decode()
    answer = browser.post(path, {"first_name": "Dora", "password": "a-password-of-mine"})

    assert answer["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in browser.session
    dora = User.objects.get(email="dora@example.test")
    assert not dora.has_usable_password()
    assert holder_of("dora@example.test") == dora, "the provider's verified address finds the account"
    with tenant_scope(tenant.id):
        assert Membership.objects.get(user=dora).role == "RESPONDER"


def test_an_operators_link_lets_one_member_in_once_and_leaves_receipts(tenant: Tenant, ana: User) -> None:
    out = StringIO()
    call_command("break_glass", "ana@example.test", reason=REASON, stdout=out, stderr=StringIO())
    path = out.getvalue().strip().partition("/signin/")[2]
    browser = Client()

    assert browser.get(f"/signin/{path}")["Location"] == "/"
    assert browser.get("/t/northwind/incidents/").status_code == 200
    again = Client().get(f"/signin/{path}")
    assert (again.status_code, "used already" in again.content.decode()) == (403, True)

    with tenant_scope(tenant.id):
        issued, used = Receipt.objects.filter(action__startswith="access.break_glass.").order_by("id")
        assert (issued.action, issued.body["reason"]) == ("access.break_glass.issued", REASON)
        assert (used.action, used.subject) == ("access.break_glass.used", f"tenancy.user:{ana.pk}")
        assert used.authentication["method"] == "break_glass"


def test_an_operators_link_ends_soon_and_cannot_be_made_up(tenant: Tenant, ana: User, now: datetime) -> None:
    token = issue_break_glass(email="ana@example.test", reason=REASON, now=now)

    for wrong, moment in ((token, now + timedelta(minutes=16)), (token[:-1], now), ("", now), ("x:y:z", now)):
        with pytest.raises(BreakGlassNotValid):
            use_break_glass(token=wrong, now=moment)
    assert use_break_glass(token=token, now=now) == ana


@pytest.mark.parametrize(
    ("email", "reason"), [("nobody@example.test", REASON), ("ana@example.test", "because"), ("", REASON)]
)
def test_an_operators_link_needs_a_member_and_a_reason(tenant: Tenant, email: str, reason: str, now: datetime) -> None:
    with pytest.raises(Invalid):
        issue_break_glass(email=email, reason=reason, now=now)
    with pytest.raises(CommandError):
        call_command("break_glass", email, reason=reason)


def test_production_needs_another_way_in(settings: Any) -> None:
    settings.PRODUCTION, settings.CONDUCTOR_OIDC_URL = True, ""
    assert "conductor.E023" in {each.id for each in run_checks()}

    settings.CONDUCTOR_OIDC_URL = "https://id.example.test"
    assert "conductor.E023" not in {each.id for each in run_checks()}


def _names(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{before}{each.name}"
        else:
            yield from _names(each, f"{before}{each.namespace}:" if each.namespace else before)
