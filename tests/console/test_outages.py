"""What the database refuses for the moment is answered with words, and the next request works again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from conductor.lib.clock import now as clock_now
from conductor.tenancy import middleware
from conductor.tenancy.database import limits
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant

pytestmark = pytest.mark.usefixtures("committed")
PAGE = "/t/northwind/incidents/"


@pytest.fixture
def browser(ben: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(ben, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """`cut()`: PostgreSQL ends the session of the next request, once it is inside of its transaction."""
    identify = middleware.TenantMiddleware._identify

    def arm() -> None:
        def cutting(self: Any, request: Any, tenant_id: Any) -> None:
            monkeypatch.setattr(middleware.TenantMiddleware, "_identify", identify)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            other = connection.copy()
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            other.close()
            identify(self, request, tenant_id)

        monkeypatch.setattr(middleware.TenantMiddleware, "_identify", cutting)

    yield arm


def test_a_page_whose_session_was_cut_is_503_and_the_next_one_works(browser: Client, cut: Callable[[], None]) -> None:
    cut()
    page = browser.get(PAGE)

    assert page.status_code == 503
    assert page["Retry-After"] == "5"
    assert "The database was away for a moment." in page.content.decode()
    assert browser.get(PAGE).status_code == 200


def test_htmx_is_told_beside_the_page(browser: Client, cut: Callable[[], None]) -> None:
    cut()
    part = browser.get(PAGE, headers={"HX-Request": "true"})

    assert part.status_code == 503
    assert "<hx-partial" in part.content.decode()


def test_a_row_that_somebody_else_holds_is_409_for_programs(tenant: Tenant, ana: User) -> None:
    with tenant_scope(tenant.id):
        token = issue_token(
            membership=Membership.objects.get(user=ana), name="test", scopes=["incidents:write"], now=clock_now()
        )
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with tenant_scope(tenant.id):
                Tenant.objects.select_for_update().get(id=tenant.id)
                held.set()
                let_go.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    limits.set_limits({"lock_timeout": "1s"})
    try:
        asked = {"title": "Checkout is down", "severity": "SEV2", "environment": "production"}
        answer = Client(raise_request_exception=False).post(
            "/api/v1/tenants/northwind/incidents",
            data=json.dumps(asked),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token.secret}"},
        )
    finally:
        limits.set_limits({})
        let_go.set()
        holder.join()

    assert answer.status_code == 409, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "database_busy"
    assert "try again" in answer.json()["detail"]
