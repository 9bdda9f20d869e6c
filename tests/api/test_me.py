"""Who a token is, a first token without a browser, and the lists that other operations' parameters come from."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from conductor.graph.lifecycle import ensure_node
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import ApiToken, Tenant
from tests.browsing import Browser
from tests.evidence.calling import caller

pytestmark = pytest.mark.usefixtures("db")
BASE = "/api/v1/tenants/northwind"


def get(path: str, secret: str) -> Any:
    return Browser().get(f"{BASE}{path}", headers={"Authorization": f"Bearer {secret}"})


def issued(*more: str, email: str = "ana@northwind.example", scope: str = "controls:read") -> str:
    out = StringIO()
    given = [email, "--tenant", "northwind", "--name", "ci", "--scope", scope, "--days", "30", *more]
    call_command("issue_token", *given, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.mark.fault("api-F11")
def test_a_first_token_needs_no_browser_and_says_what_it_may(tenant: Tenant, ana: User) -> None:
    secret = issued(email=ana.email)

    said = get("/me", secret).json()

    assert (said["organisation"], said["name"], said["token"]["name"]) == ("northwind", "Ana Admin", "ci")
    assert said["token"]["scopes"] == ["controls:read"]
    assert "view_controls" in said["permissions"]
    assert "view_incidents" not in said["permissions"], "the role would allow it, the token does not"
    assert secret not in str(said)
    with tenant_scope(tenant.id):
        token = ApiToken.objects.get(id=said["token"]["id"])
        assert (token.expires_at - token.created_at).days == 30
        receipt = Receipt.objects.get(action="access.token.issued")
        assert (receipt.actor, receipt.body["scopes"]) == (f"tenancy.user:{ana.pk}", ["controls:read"])
        assert receipt.authentication["method"] == "command"


@pytest.mark.fault("api-F11")
def test_every_token_may_ask_who_it_is_and_a_stranger_may_not(ana: User) -> None:
    assert get("/me", issued(email=ana.email, scope="graph:write")).status_code == 200
    assert Browser().get(f"{BASE}/me").status_code == 401


@pytest.mark.fault("api-F11")
def test_who_may_issue_no_token_gets_none_from_the_command_either(ben: User, max_: User) -> None:
    with pytest.raises(CommandError, match="may"):
        issued(email=ben.email)
    with pytest.raises(CommandError, match="is no member of northwind"):
        issued(email=max_.email)
    with pytest.raises(CommandError, match="There is no organisation"):
        call_command("issue_token", ben.email, "--tenant", "nobody", "--name", "x", "--scope", "graph:read")
    assert not ApiToken.objects.exists()


@pytest.mark.fault("api-F10")
def test_environments_and_nodes_are_listed(tenant: Tenant, ben: User) -> None:
    with tenant_scope(tenant.id):
        for number in range(3):
            ensure_node(
                tenant_id=tenant.id, kind="service", key=f"pay-{number}", name=f"Payments {number}", now=clock_now()
            )
        ensure_node(tenant_id=tenant.id, kind="database", key="ledger", name="Ledger", now=clock_now())
    call = caller(tenant, token_of=ben)

    kinds = {each["slug"]: each["kind"] for each in call("get", "/environments").json()}
    assert kinds["production"] == "PRODUCTION"

    first = call("get", "/graph/nodes", query={"kind": "service", "q": "PAYments", "limit": "2"}).json()
    rest = call("get", "/graph/nodes", query={"kind": "service", "q": "pay", "cursor": first["next_cursor"]}).json()
    assert [each["key"] for each in first["items"] + rest["items"]] == ["pay-2", "pay-1", "pay-0"]
    assert rest["next_cursor"] == ""
    assert call("get", "/graph/nodes", query={"environment": "nowhere"}).json()["items"] == []
