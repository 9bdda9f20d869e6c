"""Signing in by an identity provider, against oidc-provider-mock: discovery, authorization code, PKCE, signed tokens.

The provider lives in an environment of its own, because its requirements are not ours. CONDUCTOR_TEST_OIDC_PROVIDER
names its program where it is installed already.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from conductor.access.identity import asked_for_a_second_step, groups_in, roles_for
from conductor.ledger.models import Receipt
from conductor.lib.role_mapping import parse_roles
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.scope import tenant_scope

VERSION = "0.3.4"
PEOPLE = (
    {"sub": "ben", "email": "ben@example.test", "email_verified": True, "name": "Ben"},
    {"sub": "liar", "email": "ben@example.test", "email_verified": False, "name": "Not Ben"},
    {"sub": "dora", "email": "dora@example.test", "email_verified": True, "name": "Dora", "groups": ["sre", "all"]},
    {"sub": "eve", "email": "eve@example.test", "email_verified": True, "name": "Eve", "groups": ["all"]},
)


def _program(home: Path) -> str:
    named = os.environ.get("CONDUCTOR_TEST_OIDC_PROVIDER")
    if named:
        return named
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
        install = [home / "bin/python", "-m", "pip", "install", "-q", f"oidc-provider-mock=={VERSION}"]
        subprocess.run(install, check=True, capture_output=True, timeout=180)
    except (subprocess.SubprocessError, OSError) as problem:
        pytest.skip(f"oidc-provider-mock {VERSION} could not be installed: {problem}")
    return str(home / "bin/oidc-provider-mock")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running provider that knows PEOPLE."""
    program = _program(tmp_path_factory.mktemp("oidc") / "venv")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claims = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port), *claims], stderr=subprocess.DEVNULL)
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


def _sign_in(browser: Client, sub: str) -> Any:
    """Go through the whole flow as the person whom the provider knows as `sub`; return the callback's answer."""
    sent = browser.post("/accounts/oidc/oidc/login/?process=login")
    asked = parse_qs(urlsplit(sent["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    answered = httpx.post(sent["Location"], data={"sub": sub})
    assert answered.status_code == 302
    back = urlsplit(answered.headers["location"])
    return browser.get(f"{back.path}?{back.query}")


@pytest.mark.full
def test_a_member_is_known_by_their_verified_address(provider: str, tenant: Tenant, ben: User) -> None:
    browser = Client()

    assert "Continue with Northwind ID" in browser.get("/accounts/login/").content.decode()
    assert _sign_in(browser, "ben").status_code == 302
    page = browser.get("/t/northwind/runs/")
    assert page.wsgi_request.user == ben
    assert page.wsgi_request.actor.authentication == "oidc"
    with tenant_scope(tenant.id):
        assert Receipt.objects.get(action="access.signin.succeeded").body == {"authentication": "oidc"}


@pytest.mark.full
@pytest.mark.parametrize("sub", ["liar", "eve"])
def test_an_unverified_address_and_an_unmapped_group_let_nobody_in(provider: str, tenant: Tenant, sub: str) -> None:
    browser = Client()
    known = User.objects.count()

    answer = _sign_in(browser, sub)

    assert answer.status_code in {200, 302}
    assert browser.get("/t/northwind/runs/").status_code == 302
    assert User.objects.count() == known


@pytest.mark.full
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


@pytest.mark.full
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
