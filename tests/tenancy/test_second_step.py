"""A tenant that requires a second step: reminded in the grace period, led to it afterwards, and let do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from conductor.access.lifecycle.second_step import OwnStepMissing, require_second_step, stop_requiring_second_step
from conductor.access.lifecycle.tokens import issue_token
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.actors import Actor, PermissionMissing, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.sessions.authentication import Authentication
from tests.browsing import Browser

Actors = Callable[..., Actor]
INSIDE = ("/t/northwind/incidents/", "/t/northwind/members/", "/t/northwind/palette?q=x")


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def admin(tenant: Tenant, ana: User) -> Actor:
    """Ana, signed in with a second step."""
    with tenant_scope(tenant.id):
        found = actor_for_user(user=ana, tenant=tenant, channel="console", authentication=Authentication.MFA)
    assert found is not None
    return found


@pytest.fixture
def required(tenant: Tenant, admin: Actor) -> Tenant:
    """Northwind, which has required a second step for an hour."""
    with tenant_scope(tenant.id):
        return require_second_step(tenant=tenant, grace_days=0, actor=admin, now=clock_now() - timedelta(hours=1))


def _signed_in(name: str) -> Client:
    browser = Browser()
    sent = {"login": f"{name}@example.test", "password": f"{name}-password"}
    assert browser.post("/accounts/login/", sent).status_code == 302
    return browser


def _code(secret: str) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))


def test_who_has_none_is_led_to_it_and_can_do_nothing_else(required: Tenant) -> None:
    browser = _signed_in("ben")

    for path in INSIDE:
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert "/accounts/2fa/totp/activate/" in answer.content.decode()
        assert answer.wsgi_request.actor is None
    assert browser.post("/t/northwind/incidents/declare/", {"title": "x", "severity": "SEV3"}).status_code == 403
    with tenant_scope(required.id):
        assert not Receipt.objects.filter(action__startswith="incidents.").exists()


def test_setting_one_up_lets_them_in_at_once(committed: None, required: Tenant) -> None:
    browser = _signed_in("ben")
    browser.post("/accounts/reauthenticate/", {"password": "ben-password"})
    page = browser.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    assert browser.post("/accounts/2fa/totp/activate/", {"code": _code(secret)}).status_code == 302

    inside = browser.get(INSIDE[0])
    assert inside.status_code == 200
    assert inside.wsgi_request.actor.authentication == "mfa"

    browser.post("/accounts/reauthenticate/", {"password": "ben-password"})
    browser.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user__username="ben", type="totp").exists()
    assert browser.get(INSIDE[0]).status_code == 403


def test_who_has_one_but_came_in_without_it_takes_it(required: Tenant, ben: User, as_user: Any) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ben, secret)
    browser = as_user(ben)

    page = browser.get(INSIDE[0])
    assert page.status_code == 403
    assert "/accounts/2fa/reauthenticate/" in page.content.decode()
    browser.post("/accounts/2fa/reauthenticate/", {"code": _code(secret)})
    assert browser.get(INSIDE[0]).status_code == 200


def test_in_the_grace_period_they_are_reminded_and_let_work(tenant: Tenant, admin: Actor, ben: User) -> None:
    with tenant_scope(tenant.id):
        require_second_step(tenant=tenant, grace_days=7, actor=admin, now=clock_now())
    page = _signed_in("ben").get(INSIDE[0])

    assert page.status_code == 200
    assert "Set up a second step" in page.content.decode()


def test_other_tenants_are_not_concerned(required: Tenant, max_: User) -> None:
    page = _signed_in("max").get("/t/globex/incidents/")

    assert page.status_code == 200
    assert "Set up a second step" not in page.content.decode()


def test_tokens_go_on_and_policy_is_told_of_them(required: Tenant, ana: User, admin: Actor) -> None:
    with tenant_scope(required.id):
        secret = issue_token(
            membership=Membership.objects.get(user=ana),
            name="ci",
            scopes=["runs:read"],
            days=7,
            actor=admin,
            now=clock_now(),
        ).secret
    answer = Browser(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/tenants/northwind/runs")

    assert answer.status_code == 200
    assert answer.wsgi_request.actor.authentication == "token"


def test_only_an_admin_with_a_second_step_of_their_own_changes_the_rule_and_each_change_is_a_receipt(
    scope: None, tenant: Tenant, admin: Actor, ana: User, cora: User, actor: Actors
) -> None:
    moment = clock_now()
    with pytest.raises(PermissionMissing):
        require_second_step(tenant=tenant, grace_days=7, actor=actor(cora), now=moment)
    with pytest.raises(OwnStepMissing):
        require_second_step(tenant=tenant, grace_days=7, actor=actor(ana), now=moment)
    with pytest.raises(Invalid):
        require_second_step(tenant=tenant, grace_days=1000, actor=admin, now=moment)
    with pytest.raises(Conflict):
        stop_requiring_second_step(tenant=tenant, actor=admin, now=moment)
    stale = Tenant.objects.get(id=tenant.id)
    require_second_step(tenant=tenant, grace_days=7, actor=admin, now=moment)
    with pytest.raises(Conflict):
        require_second_step(tenant=stale, grace_days=0, actor=admin, now=moment)
    stop_requiring_second_step(tenant=tenant, actor=admin, now=moment)

    begins = rfc3339(moment + timedelta(days=7))
    told = Receipt.objects.filter(action__startswith="access.second_step.").order_by("id").values_list("action", "body")
    assert list(told) == [
        ("access.second_step.required", {"from": begins, "grace_days": 7}),
        ("access.second_step.not_required", {"was_from": begins}),
    ]


def test_the_page_changes_the_rule_and_refuses_who_would_lock_themselves_out(tenant: Tenant) -> None:
    browser = _signed_in("ana")
    refused = browser.post("/t/northwind/members/second-step/", {"days": "0"})

    assert refused.status_code == 409
    assert "lock you out" in refused.content.decode()
    assert browser.get("/t/northwind/members/").status_code == 200
    assert browser.post("/t/northwind/members/second-step/", {"days": "x"}).status_code == 422
