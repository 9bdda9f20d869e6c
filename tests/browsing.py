"""Requests as they arrive in the product: with no tenant's scope open, whatever the test has opened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from conductor.tenancy.database import scope


class Browser(Client):
    """A client whose requests begin outside of every scope."""

    def request(self, **request: Any) -> Any:
        with outside_scope():
            return super().request(**request)


@contextmanager
def outside_scope() -> Iterator[None]:
    """Close the open scope for a while, without ending its transaction."""
    tenant_id = scope.current_tenant_id()
    if tenant_id is None:
        yield
        return
    token = scope._current.set(None)
    scope._announce(None)
    try:
        yield
    finally:
        scope._current.reset(token)
        scope._announce(tenant_id)


def prove(client: Client, method: str = "password", *, seconds_ago: float = 0) -> Client:
    """Let the client's session have proven by `method` who is there, and return the client."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": method, "at": time.time() - seconds_ago}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    return client
