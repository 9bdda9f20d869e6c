"""The page on which a tenant says what it demands of notaries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from adapters.models.adapter import NotaryPolicy
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

PAGE = "/admin/adapters/notarypolicy/"


def test_an_admin_demands_more_at_once_and_cannot_approve_demanding_less(
    tenant: Tenant, ana: User, as_user: Any
) -> None:
    client = as_user(ana)
    assert b"best effort" in client.get(PAGE).content
    assert client.post(PAGE, {"mode": "REQUIRED", "needed": "1"}).status_code == 302
    assert b"1 required" in client.get(PAGE).content
    client.post(PAGE, {"mode": "OFF", "needed": ""})
    shown = client.get(PAGE).content
    assert b"another admin must approve" in shown
    with tenant_scope(tenant.id):
        waiting = NotaryPolicy.objects.get(in_force_at=None)
    answer = client.post(PAGE, {"approve": str(waiting.id)})
    assert answer.status_code == 409
    assert b"second person" in answer.content


def test_nobody_else_reads_or_writes_it(tenant: Tenant, ana: User, cleo: User, max_: User, as_user: Any) -> None:
    as_user(ana).post(PAGE, {"mode": "REQUIRED", "needed": "1"})
    as_user(ana).post(PAGE, {"mode": "OFF"})
    with tenant_scope(tenant.id):
        waiting = NotaryPolicy.objects.get(in_force_at=None)

    assert as_user(cleo).post(PAGE, {"mode": "OFF"}, follow=True).status_code == 403
    assert as_user(max_).post(PAGE, {"approve": str(waiting.id)}).status_code == 404
    assert b"1 required" not in as_user(max_).get(PAGE).content
    assert as_user(ana).post(PAGE, {"approve": "nonsense"}).status_code == 404
    assert as_user(ana).post(PAGE, {"mode": "REQUIRED", "needed": "x"}).status_code == 422
    with tenant_scope(tenant.id):
        waiting.refresh_from_db()
        assert waiting.in_force_at is None
