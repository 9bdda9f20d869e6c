"""The console's list of bundles: filters stay together, and nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence import views
from tests.evidence.bundles import collecting


@pytest.fixture
def page(tenant: Tenant, now: datetime, cora: User, as_user: Callable[[User], Client]) -> Callable[[str], str]:
    with tenant_scope(tenant.id):
        for _ in range(3):
            collecting(tenant, Actor.system(), now)
    client = as_user(cora)

    def get(query: str) -> str:
        answer = client.get(f"/t/{tenant.slug}/evidence/{query}")
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.mark.fault("console-F8")
def test_a_filter_stays_when_another_is_chosen(page: Callable[[str], str]) -> None:
    told = page("?status=collecting&q=EVB&family=SOC2:A1&month=2026-11")

    for name, value in (("status", "collecting"), ("family", "SOC2:A1"), ("month", "2026-11")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in told
    assert "?status=sealed&amp;q=EVB&amp;family=SOC2%3AA1&amp;month=2026-11" in told


@pytest.mark.fault("console-F8")
def test_older_bundles_are_a_link_away(page: Callable[[str], str], monkeypatch: Any) -> None:
    monkeypatch.setattr(views, "SHOWN", 2)

    first, rest = page("?status=collecting"), page("?status=collecting&before=2")

    assert ("EVB-0003" in first, "EVB-0001" in first) == (True, False)
    assert "?status=collecting&amp;before=2" in first
    assert ("EVB-0001" in rest, "Older bundles" in rest) == (True, False)
    assert "No bundle is older" in page("?before=1")
    for strange in ("?before=x", "?before=" + "9" * 40, "?before=-1"):
        assert "EVB-0003" in page(strange)
