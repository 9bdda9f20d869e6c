"""Signing in by the pages: a password, a second step, too many tries, and the record that each leaves."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from conductor.ledger.models import Receipt
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions.limits import BEGAN, SEEN

BEN = {"login": "ben@example.test", "password": "ben-password"}


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def _receipts(tenant: Tenant) -> list[tuple[str, str, Any]]:
    with tenant_scope(tenant.id):
        found = Receipt.objects.filter(action__startswith="access.").order_by("id")
        return [(each.action, each.actor_name, each.body) for each in found]


def test_signing_in_with_a_password_is_on_record(tenant: Tenant, ben: User) -> None:
    assert Client().post("/accounts/login/", BEN).status_code == 302
    assert _receipts(tenant) == [("access.signin.succeeded", "Ben Responder", {"authentication": "password"})]


def test_failing_to_is_on_record_too_and_in_no_other_tenants(tenant: Tenant, other_tenant: Tenant, ben: User) -> None:
    response = Client().post("/accounts/login/", {**BEN, "password": "wrong"})

    assert response.status_code == 200
    assert [action for action, _, _ in _receipts(tenant)] == ["access.signin.failed"]
    assert _receipts(other_tenant) == []


def test_after_five_wrong_passwords_the_right_one_has_to_wait(tenant: Tenant, ben: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {**BEN, "password": "wrong"})

    response = Client().post("/accounts/login/", BEN)
    assert response.status_code != 302
    assert "Too many failed login attempts" in response.content.decode()


def test_a_person_with_an_authenticator_app_needs_its_code(tenant: Tenant, ben: User) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ben, secret)
    browser = Client()

    assert browser.post("/accounts/login/", BEN)["Location"] == "/accounts/2fa/authenticate/"
    assert browser.get("/t/northwind/runs/").status_code == 302
    assert browser.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    assert browser.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    page = browser.get("/t/northwind/runs/")
    assert page.wsgi_request.actor.authentication == "mfa"
    assert _receipts(tenant)[-1] == ("access.signin.succeeded", "Ben Responder", {"authentication": "mfa"})


def test_a_person_sees_their_sessions_and_ends_the_others(tenant: Tenant, ben: User) -> None:
    here, elsewhere = Client(), Client(headers={"user-agent": "another browser"})
    for browser in (here, elsewhere):
        browser.post("/accounts/login/", BEN)

    assert "another browser" in here.get("/accounts/sessions/").content.decode()
    assert here.post("/accounts/sessions/").status_code == 302
    assert UserSession.objects.filter(user=ben).count() == 1
    assert elsewhere.get("/t/northwind/runs/").status_code == 302
    assert here.get("/t/northwind/runs/").status_code == 200


def test_the_sessions_of_others_are_not_shown(tenant: Tenant, ben: User, max_: User) -> None:
    Client(headers={"user-agent": "bens own"}).post("/accounts/login/", BEN)
    browser = Client()
    browser.post("/accounts/login/", {"login": "max@example.test", "password": "max-password"})

    assert "bens own" not in browser.get("/accounts/sessions/").content.decode()


@pytest.mark.parametrize(("proxies", "stopped"), [(0, True), (1, False)])
def test_behind_a_proxy_of_ours_people_do_not_share_their_tries(
    proxies: int, stopped: bool, tenant: Tenant, ben: User, settings: Any
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for n in range(10):
        sent = {"login": f"nobody-{n}@example.test", "password": "wrong"}
        Client(headers={"x-forwarded-for": f"203.0.113.{n}"}).post("/accounts/login/", sent)

    answer = Client(headers={"x-forwarded-for": "203.0.113.99"}).post("/accounts/login/", BEN)
    assert (answer.status_code != 302) is stopped


@pytest.mark.fault("security-9")
def test_a_stranger_who_tries_passwords_locks_out_nobody_else(tenant: Tenant, ben: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    stranger = {"x-forwarded-for": "203.0.113.1"}
    for _ in range(7):
        Client(headers=stranger).post("/accounts/login/", {**BEN, "password": "wrong"})

    assert Client(headers=stranger).post("/accounts/login/", BEN).status_code != 302
    assert Client(headers={"x-forwarded-for": "198.51.100.7"}).post("/accounts/login/", BEN).status_code == 302


@pytest.mark.fault("security-9")
def test_the_addresses_of_one_ipv6_network_are_one_place(tenant: Tenant, ben: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for n in range(5):
        Client(headers={"x-forwarded-for": f"2001:db8::{n + 1}"}).post("/accounts/login/", {**BEN, "password": "wrong"})

    assert Client(headers={"x-forwarded-for": "2001:db8::99"}).post("/accounts/login/", BEN).status_code != 302
    assert Client(headers={"x-forwarded-for": "2001:db8:1::1"}).post("/accounts/login/", BEN).status_code == 302


def _aged(browser: Client, name: str, seconds: int) -> Client:
    session = browser.session
    session[name] -= seconds
    session.save()
    return browser


@pytest.mark.fault("security-9")
@pytest.mark.parametrize(("clock", "seconds"), [(SEEN, 7200), (BEGAN, 43200)])
def test_a_session_ends_when_nobody_used_it_and_at_its_greatest_age(
    clock: str, seconds: int, tenant: Tenant, ben: User
) -> None:
    browser = Client()
    browser.post("/accounts/login/", BEN)

    assert _aged(browser, clock, seconds - 60).get("/t/northwind/runs/").status_code == 200
    if clock == SEEN:  # it was used just now
        assert browser.session[SEEN] > browser.session[BEGAN] - 1
    assert _aged(browser, clock, seconds + 60).get("/t/northwind/runs/").status_code == 302
    assert browser.get("/t/northwind/runs/").status_code == 302


@pytest.mark.fault("security-9")
def test_a_live_stream_does_not_keep_a_session_awake(tenant: Tenant, ben: User) -> None:
    browser = Client()
    browser.post("/accounts/login/", BEN)
    before = _aged(browser, SEEN, 600).session[SEEN]

    browser.get("/t/northwind/runs/", headers={"accept": "text/event-stream"})
    assert browser.session[SEEN] == before
