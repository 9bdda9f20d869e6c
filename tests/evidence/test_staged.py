"""A demonstration says that it is one: on its pages, in its rows, in its documents and under its seals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from chatops.demo.people import GLOBEX
from chatops.demo.seed import seed_tenant
from conductor.console.staged import STAGED
from conductor.lib.ids import uuid7
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import create_tenant
from conductor.tenancy.models import Tenant
from evidence.bundles.sealed import row_differences
from evidence.models import EvidenceBundle
from evidence.packs.document.context import document_context
from evidence.packs.lifecycle import request_pack
from incidents.incident.lifecycle import declare_incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.document.context import document_context as postmortem_context
from tests.browsing import Browser
from tests.evidence.bundles import sealed

Make = Callable[..., Actor]
WORD = "Demonstration."

pytestmark = pytest.mark.fault("console-F11")


@pytest.fixture
def staged(tenant: Tenant) -> Tenant:
    with tenant_scope(tenant.id):
        Tenant.objects.filter(id=tenant.id).update(is_staged=True)
        return Tenant.objects.get(id=tenant.id)


def cover_of(bundle: EvidenceBundle, actor: Actor, now: datetime) -> str:
    context = document_context(pack=request_pack(bundle=bundle, actor=actor, now=now))
    return render_to_string("base_document.html", context)


@pytest.mark.usefixtures("scope")
def test_what_a_demonstration_seals_says_so_for_good(staged: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(staged, actor(cora), now)

    assert bundle.manifest is not None
    assert bundle.manifest["bundle"]["staged"] is True
    assert row_differences(bundle) == []
    # The word is under the seal: who changes the tenant afterwards changes no document.
    Tenant.objects.filter(id=staged.id).update(is_staged=False)
    cover = cover_of(bundle, actor(cora), now)
    assert f"<b>{WORD}</b> {STAGED}" in cover
    assert 'data-doc="Demonstration: Evidence bundle' in cover


@pytest.mark.usefixtures("scope")
def test_what_others_seal_says_nothing_of_it(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)

    assert bundle.manifest is not None
    assert "staged" not in bundle.manifest["bundle"]
    assert WORD not in cover_of(bundle, actor(cora), now)


@pytest.mark.parametrize("is_staged", [True, False])
@pytest.mark.usefixtures("scope")
def test_a_postmortem_of_a_demonstration_says_so(
    tenant: Tenant, actor: Make, ben: User, now: datetime, is_staged: bool
) -> None:
    incident, _ = declare_incident(tenant_id=tenant.id, title="x", severity="SEV3", actor=actor(ben), now=now)
    summary = {"key": "summary", "title": "Summary", "blocks": [{"text": "It broke.", "sources": [1]}]}
    header = {"key": "header", "title": "Header", "blocks": []}
    drafted = Postmortem(incident=incident, version=1, sections=[header, summary], content_digest="a" * 64)
    drafted.drafted_at, drafted.drafted_by = now, "Conductor"

    context = postmortem_context(incident=incident, postmortem=drafted, tenant_name="N", is_staged=is_staged)

    assert (WORD in render_to_string("base_document.html", context)) == is_staged


def test_every_page_and_row_of_a_demonstration_says_so(
    staged: Tenant, actor: Make, ben: User, as_user: Callable[[User], Browser], now: datetime
) -> None:
    with tenant_scope(staged.id):
        declare_incident(tenant_id=staged.id, title="x", severity="SEV3", actor=actor(ben), now=now)
    browser = as_user(ben)

    for path in ("incidents/", "incidents/INC-1/", "evidence/", "controls/", "runs/"):
        page = browser.get(f"/t/northwind/{path}").content.decode()
        assert f"<b>{WORD}</b>" in page, path
    hub, incident = (
        browser.get(f"/t/northwind/{path}").content.decode() for path in ("incidents/", "incidents/INC-1/")
    )
    assert hub.count(">Staged</span>") == 1
    assert ">Staged</span>" in incident


def test_a_page_of_another_organisation_says_nothing_of_it(
    tenant: Tenant, ben: User, as_user: Callable[[User], Browser]
) -> None:
    page = as_user(ben).get("/t/northwind/incidents/").content.decode()

    assert WORD not in page
    assert "Staged" not in page


@pytest.mark.parametrize(("days", "is_told"), [(10, True), (500, False)], ids=["new", "old"])
def test_the_heat_map_says_since_when_anything_could_run(
    tenant: Tenant,
    ben: User,
    as_user: Callable[[User], Browser],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    is_told: bool,
) -> None:
    monkeypatch.setattr("evidence.views.now", lambda: now + timedelta(days=days))

    page = as_user(ben).get("/t/northwind/controls/").content.decode()

    assert ("Northwind Payments has been here since 20 November 2026. Nothing ran here before" in page) == is_told


def test_seeded_tenants_are_staged_and_created_ones_are_not(db: None, now: datetime) -> None:
    seeded = seed_tenant("acme", "Acme", GLOBEX, now)
    other = uuid7()
    with tenant_scope(other):
        assert not create_tenant(tenant_id=other, slug="real", name="Real", now=now).is_staged
    with tenant_scope(seeded):
        assert Tenant.objects.get(id=seeded).is_staged
        Tenant.objects.filter(id=seeded).update(is_staged=False)
    # As a version seeded it that did not say so yet.
    assert seed_tenant("acme", "Acme", GLOBEX, now) == seeded
    with tenant_scope(seeded):
        assert Tenant.objects.get(id=seeded).is_staged
