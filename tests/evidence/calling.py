"""Calls of the API by a member's token, for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import SCOPES
from tests.browsing import Browser


def caller(tenant: Tenant, *, token_of: User | None = None) -> Callable[..., Any]:
    """Return `call("get", "/bundles", user=ben)`: a request with every scope. `token_of`: one token for all calls."""
    kept = token_of_member(token_of, tenant) if token_of else ""

    def call(
        method: str,
        path: str,
        *,
        user: User | None = None,
        body: Any = None,
        form: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        of: Tenant = tenant,
        **headers: str,
    ) -> Any:
        token = kept or (token_of_member(user, of) if user else "")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        address = f"/api/v1/tenants/{tenant.slug}{path}"
        if method == "get":
            return Browser().get(address, query or {}, headers=headers)
        if form is not None:
            return getattr(Browser(), method)(address, form, headers=headers)
        return getattr(Browser(), method)(address, json.dumps(body), "application/json", headers=headers)

    return call


def token_of_member(user: User, tenant: Tenant) -> str:
    """Return a token of the member's, with every scope."""
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=user)
        return issue_token(membership=membership, name="test", scopes=list(SCOPES), now=now()).secret
