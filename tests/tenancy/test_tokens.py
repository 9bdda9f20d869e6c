"""API tokens: issued for oneself, shown once, within their scopes, until they run out or are revoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.access.lifecycle.members import change_role
from conductor.access.lifecycle.tokens import TokenRevoked, issue_token, revoke_token
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import ApiToken, Membership, Tenant
from tests.browsing import Browser, prove

Actors = Callable[..., Actor]
AsUser = Callable[[User], Client]
NEW = "/t/northwind/members/tokens/new/"


def _call(secret: str, path: str = "runs") -> int:
    program = Browser(headers={"authorization": f"Bearer {secret}"})
    return program.get(f"/api/v1/tenants/northwind/{path}").status_code


def _given(user: User, actor: Actor, **other: Any) -> dict[str, Any]:
    given = {"name": "ci", "scopes": ["runs:read"], "days": 30, "actor": actor, "now": clock_now()}
    return {"membership": Membership.objects.get(user=user), **given, **other}


def test_a_token_is_shown_once_works_within_its_scopes_and_is_listed_by_its_prefix(
    tenant: Tenant, ana: User, cleo: User, as_user: AsUser
) -> None:
    answer = prove(as_user(ana)).post(NEW, {"name": " ci  pipeline ", "scopes": ["runs:read"], "days": "30"})
    page = answer.content.decode()
    secret = sorted(set(re.findall(r"mct_[0-9a-f]{32}_[A-Za-z0-9_-]{43}", page)))  # it stands in its copy button too

    assert len(secret) == 1
    assert "no-store" in answer["Cache-Control"]
    assert (_call(secret[0]), _call(secret[0], "receipts")) == (200, 403)
    page = as_user(cleo).get("/t/northwind/members/tokens/").content.decode()
    random = secret[0].split("_", 2)[2]
    assert f"…{random[:6]}…" in page
    assert random[6:] not in page
    assert "/revocation/" not in page
    with tenant_scope(tenant.id):
        receipt = Receipt.objects.get(action="access.token.issued")
        assert receipt.body == {"name": "ci pipeline", "scopes": ["runs:read"], "days": 30, "prefix": random[:6]}
        assert ApiToken.objects.get().last_used_at is not None


def test_a_revoked_token_stops_at_once_and_once(tenant: Tenant, ana: User, as_user: AsUser, actor: Actors) -> None:
    with tenant_scope(tenant.id):
        issued = issue_token(**_given(ana, actor(ana)))
    assert _call(issued.secret) == 200
    browser, path = prove(as_user(ana)), f"/t/northwind/members/tokens/{issued.token.id}/revocation/"

    assert browser.post(path).status_code == 302
    assert _call(issued.secret) == 401
    assert browser.post(path).status_code == 409
    assert "Revoked " in browser.get("/t/northwind/members/tokens/").content.decode()
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(action="access.token.revoked").count() == 1


def test_only_an_admin_issues_and_only_for_themselves(scope: None, ana: User, ben: User, actor: Actors) -> None:
    with pytest.raises(PermissionMissing):
        issue_token(**_given(ben, actor(ben)))
    with pytest.raises(Invalid, match="not valid"):
        issue_token(**_given(ben, actor(ana)))
    assert not ApiToken.objects.exists()


def test_nobody_else_revokes_but_its_own_member_may(
    scope: None, ana: User, ben: User, cora: User, actor: Actors
) -> None:
    token = issue_token(**_given(ana, actor(ana))).token
    with pytest.raises(PermissionMissing):
        revoke_token(token=token, actor=actor(ben), now=clock_now())
    change_role(membership=Membership.objects.get(user=cora), role="ADMIN", actor=actor(ana), now=clock_now())
    change_role(membership=Membership.objects.get(user=ana), role="RESPONDER", actor=actor(cora), now=clock_now())

    revoke_token(token=token, actor=actor(ana), now=clock_now())
    with pytest.raises(TokenRevoked):
        revoke_token(token=token, actor=actor(cora), now=clock_now())


def test_a_token_of_a_demoted_member_can_do_what_they_can_and_no_more(
    tenant: Tenant, ana: User, cora: User, actor: Actors
) -> None:
    with tenant_scope(tenant.id):
        secret = issue_token(**_given(ana, actor(ana), scopes=["graph:write", "runs:write"])).secret
        change_role(membership=Membership.objects.get(user=cora), role="ADMIN", actor=actor(ana), now=clock_now())
    assert _import(secret) == 422

    with tenant_scope(tenant.id):
        change_role(membership=Membership.objects.get(user=ana), role="AUDITOR", actor=actor(cora), now=clock_now())
    assert (_call(secret), _import(secret)) == (200, 403)


def _import(secret: str) -> int:
    """Send what the import does not understand, so that only who may import hears that it is not valid."""
    program = Browser(headers={"authorization": f"Bearer {secret}"})
    return program.post("/api/v1/tenants/northwind/graph/imports", {}, content_type="application/json").status_code


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": " "}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["moon:walk"]}),
        ("days", {"days": "9999"}),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    field: str, given: dict[str, Any], tenant: Tenant, ana: User, as_user: AsUser
) -> None:
    answer = prove(as_user(ana)).post(NEW, {"name": "ci", "scopes": ["runs:read"], "days": "30", **given})

    assert answer.status_code == 422
    assert list(answer.context["errors"]) == [field]
    with tenant_scope(tenant.id):
        assert not ApiToken.objects.exists()
