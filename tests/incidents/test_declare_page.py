"""The form to declare stays small however many services there are, and an unknown service does not pass silently."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.graph.models import Node
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident

PAGE = "/t/northwind/incidents/"
Browser = Callable[[User], Client]


@pytest.fixture
def services(tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        Node.objects.bulk_create(
            Node(tenant_id=tenant.id, kind="service", key=f"svc-{n}", name=f"svc-{n:04}", updated_at=now)
            for n in range(3_000)
        )


@pytest.mark.fault("console-F13", "performance-declare-form")
def test_the_form_lists_a_few_services_and_finds_the_others(services: None, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)
    form = browser.get(f"{PAGE}declare/")
    found = browser.get(f"{PAGE}services", {"service": "SVC-29"}).content.decode()
    none = browser.get(f"{PAGE}services", {"service": "nothing-like-it"}).content.decode()

    assert len(form.content) < 60_000
    assert form.content.decode().count('<option value="svc-') <= 20
    assert re.findall(r'value="(svc-\d+)"', found)[:2] == ["svc-2900", "svc-2901"]
    assert "<option" not in none


@pytest.mark.fault("console-F13")
@pytest.mark.parametrize(("service", "warned"), [("nonexistent-svc", True), ("svc-0007", False), ("", False)])
def test_a_service_that_the_graph_does_not_know_is_pointed_out(
    services: None, tenant: Tenant, ben: User, as_user: Browser, service: str, warned: bool
) -> None:
    browser = as_user(ben)
    data: dict[str, Any] = {"title": "Slow", "severity": "SEV3", "service": service}
    response = browser.post(f"{PAGE}declare/", data, follow=True)

    assert response.status_code == 200
    with tenant_scope(tenant.id):
        assert Incident.objects.get(title="Slow").service == service
    assert ("is not in the" in response.content.decode()) is warned
