"""Tokens, problems and idempotency: what every operation of the API has in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from conductor.api.models import IdempotentResponse
from conductor.graph.models import Node
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token, revoke_token
from conductor.tenancy.models import ApiToken, Membership, Tenant
from conductor.tenancy.roles import SCOPES

NODES = {"nodes": [{"kind": "service", "key": "production/ledger", "environment": "production"}], "edges": []}


@pytest.fixture
def call(tenant: Tenant) -> Iterator[Callable[..., Any]]:
    """`call("get", "/runs", user=ben)`: a request by a token of that member, with every scope unless named."""

    def make(
        method: str,
        path: str,
        *,
        user: User | None = None,
        scopes: list[str] | None = None,
        body: Any = None,
        slug: str = "northwind",
        of: Tenant = tenant,
        **headers: str,
    ) -> Any:
        if user is not None:
            with tenant_scope(of.id):
                membership = Membership.objects.get(user=user)
                secret = issue_token(
                    membership=membership, name="test", scopes=scopes or list(SCOPES), now=clock_now()
                ).secret
            headers.setdefault("Authorization", f"Bearer {secret}")
        data = body if isinstance(body, str) else json.dumps(body)
        return getattr(Client(), method)(
            f"/api/v1/tenants/{slug}{path}",
            data=None if method == "get" else data,
            content_type=None if method == "get" else "application/json",
            headers=headers,
        )

    yield make


def test_without_a_token_it_is_401_and_says_how(call: Any) -> None:
    response = call("get", "/runs")

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("token", ["nonsense", "mct_x_y", f"mct_{'0' * 32}_secret", "mct_"])
def test_a_wrong_token_is_401(call: Any, token: str) -> None:
    assert call("get", "/runs", Authorization=f"Bearer {token}").status_code == 401


def test_an_expired_and_a_revoked_token_are_401(call: Any, tenant: Tenant, ben: User) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=ben)
        old = issue_token(membership=membership, name="old", scopes=["runs:read"], now=clock_now() - timedelta(days=91))
        gone = issue_token(membership=membership, name="gone", scopes=["runs:read"], now=clock_now())
        assert revoke_token(token=gone.token, now=clock_now())

    for issued in (old, gone):
        assert call("get", "/runs", Authorization=f"Bearer {issued.secret}").status_code == 401


def test_another_tenants_token_finds_nothing(call: Any, max_: User, other_tenant: Tenant) -> None:
    response = call("get", "/runs", user=max_, of=other_tenant)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_an_unknown_tenant_is_a_problem_too(call: Any, ben: User) -> None:
    response = call("get", "/runs", user=ben, slug="nobody")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_an_auditor_may_read_and_not_write(call: Any, cleo: User) -> None:
    assert call("get", "/runs", user=cleo).status_code == 200

    response = call("post", "/graph/imports", user=cleo, body=NODES)
    assert (response.status_code, response.json()["code"]) == (403, "permission_missing")
    assert "Commander" in response.json()["detail"]


def test_a_tokens_scopes_limit_its_member(call: Any, ana: User) -> None:
    assert call("post", "/graph/imports", user=ana, scopes=["graph:read"], body=NODES).status_code == 403
    assert call("post", "/graph/imports", user=ana, scopes=["graph:write"], body=NODES).status_code == 200


def test_a_session_cookie_is_no_token(ana: User, as_user: Any) -> None:
    assert as_user(ana).get("/api/v1/tenants/northwind/runs").status_code == 401


def test_a_body_that_is_not_json_is_400(call: Any, cora: User) -> None:
    response = call("post", "/runs/1/cancellation", user=cora, body="{not json")

    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


def test_an_invalid_body_names_the_field(call: Any, cora: User) -> None:
    response = call("post", "/runs/1/decision", user=cora, body={"approve": "perhaps"})

    assert response.status_code == 422
    assert set(response.json()["fields"]) == {"approve", "reason"}


def test_a_repeated_key_gets_the_same_answer_and_does_nothing(call: Any, cora: User, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=cora)
        secret = issue_token(membership=membership, name="t", scopes=["graph:write"], now=clock_now()).secret
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "import-1"}

    first = call("post", "/graph/imports", body=NODES, **headers)
    again = call("post", "/graph/imports", body=NODES, **headers)
    other = call("post", "/graph/imports", body={"nodes": [], "edges": []}, **headers)

    assert first.json()["nodes_created"] == 1
    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(call: Any, cora: User, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=cora)
        secret = issue_token(membership=membership, name="t", scopes=["graph:write"], now=clock_now()).secret
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "import-2"}

    assert call("post", "/graph/imports", body="nonsense", **headers).status_code == 422
    assert call("post", "/graph/imports", body=NODES, **headers).status_code == 200


def test_concurrent_repeats_do_it_once(committed: None, call: Any, cora: User, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=cora)
        secret = issue_token(membership=membership, name="t", scopes=["graph:write"], now=clock_now()).secret

    def send(_n: int) -> tuple[int, Any]:
        try:
            headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "storm"}
            response = call("post", "/graph/imports", body=NODES, **headers)
            return response.status_code, response.json()["nodes_created"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(send, range(6)))

    assert answers == {(200, 1)}
    with tenant_scope(tenant.id):
        assert Node.objects.filter(kind="service").count() == 1
        assert IdempotentResponse.objects.count() == 1


def test_using_a_token_is_noted(call: Any, ben: User, tenant: Tenant) -> None:
    call("get", "/runs", user=ben)

    with tenant_scope(tenant.id):
        assert ApiToken.objects.get().last_used_at is not None


def test_the_secret_of_a_token_is_not_kept(tenant: Tenant, scope: None, ben: User) -> None:
    issued = issue_token(membership=Membership.objects.get(user=ben), name="t", scopes=["runs:read"], now=clock_now())

    row = ApiToken.objects.filter(id=issued.token.id).values().get()
    assert issued.secret not in str(row)
    assert issued.secret.split("_", 2)[2] not in str(row)
