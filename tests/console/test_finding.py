"""Evidence and the palette find what they show: by number, control, person and digest."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.models import EvidenceBundle
from tests.console.town import Town

Browser = Callable[[User], Client]
EVIDENCE, PALETTE = "/t/northwind/evidence/", "/t/northwind/palette"


def codes(html: str) -> set[str]:
    return set(re.findall(r'<span class="id">(?:<mark>)?(EVB-\d+)', html))


@pytest.mark.fault("console-F8")
def test_evidence_is_found_by_all_that_its_list_shows(town: Town, tenant: Tenant, cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)
    with tenant_scope(tenant.id):
        bundle = EvidenceBundle.objects.filter(status="SEALED").exclude(manifest_digest="").order_by("number")[0]
        control = bundle.covers.select_related("control")[0].control
        artifact = bundle.artifacts.all()[0]
    wanted = [
        bundle.code,
        bundle.title[:6],
        control.code,
        control.alias,
        bundle.manifest_digest[:8],
        artifact.digest[:12],
    ]

    for text in [*wanted, f"sha256:{bundle.manifest_digest}"]:
        assert bundle.code in codes(browser.get(EVIDENCE, {"q": text}).content.decode()), text
    for text in ("abcdef", "Z9.9", "INC-987654"):
        html = browser.get(EVIDENCE, {"q": text}).content.decode()
        assert not codes(html), text
        assert "Nothing matches" in html
        assert "Bundles are made by control runs" not in html


@pytest.mark.fault("console-F8")
def test_the_palette_finds_a_digest_and_a_person(town: Town, tenant: Tenant, cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)
    with tenant_scope(tenant.id):
        bundle = EvidenceBundle.objects.filter(status="SEALED").exclude(manifest_digest="").order_by("number")[0]

    assert bundle.code in browser.get(PALETTE, {"q": bundle.manifest_digest[:8]}).content.decode()
    member = re.compile(r'href="/t/northwind/members/[0-9a-f-]{36}/"')
    assert member.search(browser.get(PALETTE, {"q": "cora"}).content.decode())
    assert not member.search(browser.get(PALETTE, {"q": "max"}).content.decode())  # of another organisation
