"""Signing in by an identity provider, against oidc-provider-mock: discovery, code, PKCE, signed tokens, take-overs."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from conductor.access.identity import IdentityProvider, asked_for_a_second_step, groups_in, roles_for
from conductor.access.openid import account_key
from conductor.ledger.models import Receipt
from conductor.lib.role_mapping import parse_roles
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant

PEOPLE = (
    {"sub": "ben", "email": "ben@example.test", "email_verified": True, "name": "Ben"},
    {"sub": "liar", "email": "ben@example.test", "email_verified": False, "name": "Not Ben"},
    {"sub": "dora", "email": "dora@example.test", "email_verified": True, "name": "Dora", "groups": ["sre", "all"]},
    {"sub": "eve", "email": "eve@example.test", "email_verified": True, "name": "Eve", "groups": ["all"]},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a running provider that knows PEOPLE."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claims = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    program = [sys.executable, "-m", "oidc_provider_mock", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen([*program, *claims], stderr=subprocess.DEVNULL)
    try:
        transport = httpx.HTTPTransport(retries=8)  # each waits twice as long as the one before
        with httpx.Client(transport=transport) as client:
            client.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration", timeout=10)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def provider(issuer: str, settings: Any, db: None) -> str:
    cache.clear()
    app = {"provider_id": "oidc", "name": "Northwind ID", "client_id": "conductor", "secret": "s3cret"}
    app["settings"] = {"server_url": issuer}  # type: ignore[assignment]
    given = django_settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**given, "APPS": [app]}}
    settings.CONDUCTOR_OIDC_ROLES = parse_roles("sre=northwind:COMMANDER")
    return issuer


def _sign_in(browser: Client, sub: str, *, by: str = "/accounts/oidc/oidc/login/?process=login") -> Any:
    """Go through the whole flow as the person whom the provider knows as `sub`; return the callback's answer."""
    sent = browser.post(by)
    asked = parse_qs(urlsplit(sent["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    answered = httpx.post(sent["Location"], data={"sub": sub})
    assert answered.status_code == 302
    back = urlsplit(answered.headers["location"])
    return browser.get(f"{back.path}?{back.query}")


def test_a_member_is_known_by_their_verified_address(provider: str, tenant: Tenant, ben: User) -> None:
    browser = Client()

    assert "Continue with Northwind ID" in browser.get("/accounts/login/").content.decode()
    assert _sign_in(browser, "ben").status_code == 302
    page = browser.get("/t/northwind/runs/")
    assert page.wsgi_request.user == ben
    assert page.wsgi_request.actor.authentication == "oidc"
    with tenant_scope(tenant.id):
        assert Receipt.objects.get(action="access.signin.succeeded").body == {"authentication": "oidc"}


@pytest.mark.parametrize("sub", ["liar", "eve"])
def test_an_unverified_address_and_an_unmapped_group_let_nobody_in(provider: str, tenant: Tenant, sub: str) -> None:
    browser = Client()
    known = User.objects.count()

    answer = _sign_in(browser, sub)

    assert answer.status_code in {200, 302}
    assert browser.get("/t/northwind/runs/").status_code == 302
    assert User.objects.count() == known


def test_a_mapped_group_makes_a_member_in_its_role(provider: str, tenant: Tenant, settings: Any) -> None:
    browser = Client()

    answer = _sign_in(browser, "dora")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    with tenant_scope(tenant.id):
        assert Membership.objects.get(user__email="dora@example.test").role == "COMMANDER"
        assert Receipt.objects.filter(action="access.member.added", actor_name="Identity provider").count() == 1
    assert browser.get("/t/northwind/runs/").status_code == 200
    assert browser.get("/t/globex/runs/").status_code == 404

    settings.CONDUCTOR_OIDC_ROLES = parse_roles("sre=northwind:AUDITOR")
    _sign_in(Client(), "dora")
    with tenant_scope(tenant.id):
        assert Receipt.objects.get(action="access.member.role_changed").body == {"from": "COMMANDER", "to": "AUDITOR"}


def test_a_code_that_another_browser_asked_for_is_refused(provider: str, tenant: Tenant) -> None:
    asked, other = Client(), Client()
    sent = asked.post("/accounts/oidc/oidc/login/?process=login")
    back = urlsplit(httpx.post(sent["Location"], data={"sub": "ben"}).headers["location"])

    other.get(f"{back.path}?{back.query}")
    assert other.get("/t/northwind/runs/").status_code == 302


def test_the_strongest_of_several_mapped_roles_counts(settings: Any) -> None:
    settings.CONDUCTOR_OIDC_ROLES = parse_roles("all=acme:AUDITOR,sre=acme:COMMANDER,sre=other:RESPONDER")

    assert roles_for(["all", "sre"]) == {"acme": "COMMANDER", "other": "RESPONDER"}
    assert roles_for(["nobody"]) == {}


def test_claims_of_a_wrong_shape_grant_nothing() -> None:
    assert groups_in({"userinfo": {"groups": "sre"}}) == []
    assert groups_in({"userinfo": {}, "id_token": {"groups": ["sre"]}}) == ["sre"]
    assert asked_for_a_second_step({"id_token": {"amr": ["pwd", "mfa"]}})
    assert not asked_for_a_second_step({"id_token": {"amr": "mfa"}})
    assert not asked_for_a_second_step({"userinfo": {"amr": ["mfa"]}})


@pytest.mark.parametrize("text", ["sre", "sre=acme", "sre=acme:KING", "=acme:ADMIN"])
def test_a_malformed_mapping_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="group=tenant:ROLE"):
        parse_roles(text)


@pytest.fixture
def two_mapped(provider: str, settings: Any) -> None:
    settings.CONDUCTOR_OIDC_ROLES = parse_roles("sre=northwind:COMMANDER,all=globex:RESPONDER")


@pytest.mark.fault("security-1")
@pytest.mark.parametrize("left_over", [False, True])
def test_a_member_who_claims_a_colleagues_address_gets_nothing_of_theirs(
    two_mapped: None, tenant: Tenant, other_tenant: Tenant, left_over: bool
) -> None:
    eve, dora = Client(), Client()
    _sign_in(eve, "eve")
    eve_herself = User.objects.get(email="eve@example.test")
    answer = eve.post("/accounts/email/", {"email": "dora@example.test", "action_add": ""})
    assert answer.status_code == 403
    if left_over:  # a claim of before the page was closed
        EmailAddress.objects.create(user=eve_herself, email="dora@example.test", verified=False)

    _sign_in(dora, "dora")

    assert dora.get("/t/northwind/incidents/").status_code == 200
    assert dora.get("/t/northwind/incidents/").wsgi_request.user != eve_herself
    again = Client()
    _sign_in(again, "eve")
    assert again.get("/t/northwind/incidents/").status_code == 404
    assert eve.get("/t/northwind/incidents/").status_code == 404
    with tenant_scope(tenant.id):
        assert not Membership.objects.filter(user=eve_herself).exists()


@pytest.mark.fault("security-1")
def test_an_address_that_a_member_only_claimed_identifies_nobody(provider: str, tenant: Tenant, cora: User) -> None:
    EmailAddress.objects.filter(email="ben@example.test").delete()
    EmailAddress.objects.create(user=cora, email="ben@example.test", verified=False)
    browser = Client()

    _sign_in(browser, "ben")

    assert browser.get("/t/northwind/runs/").status_code == 302


@pytest.mark.fault("security-1")
def test_the_page_after_the_provider_takes_no_other_address(two_mapped: None, tenant: Tenant, ben: User) -> None:
    User.objects.filter(pk=ben.pk).update(email="dora@example.test")  # who holds it without having proven it
    browser = Client()
    answer = _sign_in(browser, "dora")

    page = browser.post(answer["Location"], {"email": "ceo@example.test", "username": "dora"})
    assert page.status_code == 409
    assert not User.objects.filter(email="ceo@example.test").exists()


@pytest.mark.fault("security-1")
def test_the_subject_of_another_issuer_is_somebody_else(two_mapped: None, tenant: Tenant, issuer: str) -> None:
    browser = Client()
    _sign_in(browser, "dora")

    account = SocialAccount.objects.get(user__email="dora@example.test")
    assert account.uid == account_key(issuer, "dora")
    assert account.uid != account_key("https://other.example.test", "dora")


@pytest.mark.fault("security-1")
@pytest.mark.parametrize(
    ("said", "verified"), [(True, True), ("true", True), ("false", False), (1, False), (None, False)]
)
def test_only_a_plain_yes_verifies_an_address(said: Any, verified: bool, provider: str, rf: Any) -> None:
    claims = {"iss": provider, "sub": "x", "email": "x@example.test", "email_verified": said}
    request = rf.get("/")
    known = IdentityProvider(request).get_provider(request, "oidc")

    assert [each.verified for each in known.extract_email_addresses({"id_token": claims})] == [verified]


@pytest.mark.fault("security-1")
def test_two_answers_about_different_subjects_are_refused(provider: str, rf: Any) -> None:
    request = rf.get("/")
    known = IdentityProvider(request).get_provider(request, "oidc")
    token = {"iss": provider, "sub": "ben"}

    assert known.extract_uid({"id_token": token, "userinfo": {"sub": "ben"}}) == account_key(provider, "ben")
    for answer in ({"id_token": token, "userinfo": {"sub": "eve"}}, {"userinfo": {"sub": "ben"}}):
        with pytest.raises(ValidationError):
            known.extract_uid(answer)


@pytest.mark.fault("security-9")
@pytest.mark.parametrize("by_groups", [True, False])
def test_leaving_every_mapped_group_ends_what_groups_gave_and_nothing_else(
    by_groups: bool, provider: str, tenant: Tenant, ana: User, settings: Any
) -> None:
    _sign_in(Client(), "dora")
    with tenant_scope(tenant.id):
        Membership.objects.filter(user__email="dora@example.test").update(given_by_groups=by_groups)
    settings.CONDUCTOR_OIDC_ROLES = parse_roles("other=northwind:COMMANDER")
    browser = Client()

    assert _sign_in(browser, "dora").status_code == 302
    assert (browser.get("/t/northwind/runs/").status_code == 200) is not by_groups
    with tenant_scope(tenant.id):
        ended = Receipt.objects.filter(action="access.member.removed", actor_name="Identity provider")
        assert ended.count() == by_groups
        assert Membership.objects.filter(user=ana).exists()


@pytest.mark.fault("security-9")
def test_members_come_in_by_the_provider_where_passwords_are_switched_off(
    provider: str, tenant: Tenant, settings: Any
) -> None:
    settings.CONDUCTOR_PASSWORD_SIGNIN = False
    browser = Client()

    page = browser.get("/accounts/login/").content.decode()
    assert page.index('data-variant="primary"') < page.index("Continue with Northwind ID") < page.index("passkey")
    assert (
        browser.post("/accounts/login/", {"login": "ben@example.test", "password": "ben-password"}).status_code == 403
    )
    assert _sign_in(browser, "ben").status_code == 302
    assert browser.get("/t/northwind/incidents/").status_code == 200


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/t/northwind/incidents/?view=all&q=a+b", "/t/northwind/incidents/?view=all&q=a+b"),
        ("https://elsewhere.test/", "/"),
        ("//elsewhere.test/", "/"),
    ],
)
def test_signing_in_by_the_provider_leads_back_to_the_page_that_was_asked_for(
    provider: str, tenant: Tenant, ben: User, asked: str, led_to: str
) -> None:
    browser = Client()
    page = browser.get("/accounts/login/", {"next": asked}).content.decode()
    (button,) = [unescape(each) for each in re.findall(r'action="([^"]*/oidc/[^"]*)"', page)]

    answer = _sign_in(browser, "ben", by=button)

    assert (answer.status_code, answer["Location"]) == (302, led_to)
