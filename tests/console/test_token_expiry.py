"""Whoever issued an API token that is in use is told a week before it expires, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import ApiToken, Membership, Tenant

pytestmark = pytest.mark.fault("api-F11")
INBOX = "/t/northwind/inbox/"


def _token(user: User, tenant: Tenant, *, left: timedelta, lifetime: int = 90, used: timedelta | None) -> ApiToken:
    now = clock_now()
    with tenant_scope(tenant.id):
        issued = issue_token(
            membership=Membership.objects.get(user=user), name="deploy hook", scopes=["incidents:read"], now=now
        )
        ApiToken.objects.filter(id=issued.token.id).update(
            created_at=now + left - timedelta(days=lifetime),
            expires_at=now + left,
            last_used_at=now - used if used is not None else None,
        )
        return issued.token


@pytest.mark.parametrize(
    ("left", "lifetime", "used", "told"),
    [
        (timedelta(days=6), 90, timedelta(hours=1), True),
        (timedelta(days=8), 90, timedelta(hours=1), False),
        (-timedelta(minutes=1), 90, timedelta(hours=1), False),
        (timedelta(days=6), 90, timedelta(days=40), False),
        (timedelta(days=6), 90, None, False),
        (timedelta(days=6), 7, timedelta(hours=1), False),
    ],
)
def test_a_token_in_use_is_announced_a_week_before_it_expires(
    tenant: Tenant,
    ana: User,
    as_user: Callable[[User], Client],
    left: timedelta,
    lifetime: int,
    used: timedelta | None,
    told: bool,
) -> None:
    _token(ana, tenant, left=left, lifetime=lifetime, used=used)
    page = as_user(ana).get(INBOX).content.decode()
    assert ("Replace the API token “deploy hook” before it expires" in page) is told
    assert ("/members/tokens/new/" in page) is told


def test_others_are_not_told_and_a_revoked_token_is_over(
    tenant: Tenant, ana: User, ben: User, as_user: Callable[[User], Client]
) -> None:
    token = _token(ana, tenant, left=timedelta(days=2), used=timedelta(hours=1))
    assert "deploy hook" not in as_user(ben).get(INBOX).content.decode()
    with tenant_scope(tenant.id):
        ApiToken.objects.filter(id=token.id).update(revoked_at=clock_now())
    assert "deploy hook" not in as_user(ana).get(INBOX).content.decode()
