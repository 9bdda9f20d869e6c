"""Evidence of an incident that became private is read by those who may read the incident, by whatever way they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conductor.graph.models import Node
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import attach_artifact
from evidence.bundles.lifecycle import open_bundle, start_collecting
from evidence.models import EvidenceBundle, Pack
from incidents.access.lifecycle import grant_access, set_visibility
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from tests.evidence.calling import caller

pytestmark = [pytest.mark.fault("security-11"), pytest.mark.usefixtures("db")]
TITLE = "A key was in a public place"


@pytest.fixture
def incident(tenant: Tenant, actor: Callable[..., Actor], cora: User, now: datetime) -> Incident:
    with tenant_scope(tenant.id):
        made, _ = declare_incident(tenant_id=tenant.id, title=TITLE, severity="SEV2", actor=actor(cora), now=now)
    return made


@pytest.fixture
def bundle(incident: Incident, actor: Callable[..., Actor], cora: User, now: datetime) -> EvidenceBundle:
    with tenant_scope(incident.tenant_id):
        made = open_bundle(
            tenant_id=incident.tenant_id,
            title=f"Response to {incident}",
            purpose="",
            control_ids=["SOC2_CC7.4"],
            effective_from=now,
            incident=incident,
            actor=actor(cora),
            now=now,
        )
        made = start_collecting(bundle=made, actor=actor(cora), now=now)
        attach_artifact(
            bundle=made,
            path="record.json",
            role="timeline",
            media_type="application/json",
            data=b"{}",
            origin="",
            actor=actor(cora),
            now=now,
        )
        Pack.objects.create(tenant_id=made.tenant_id, bundle=made, number=1, requested_by_name="Cora", requested_at=now)
    return made


def hide(incident: Incident, actor: Callable[..., Actor], cora: User, now: datetime) -> None:
    with tenant_scope(incident.tenant_id):
        set_visibility(incident=incident, visibility="PRIVATE", reason="Legal asks.", actor=actor(cora), now=now)


def test_nobody_else_finds_it_once_the_incident_is_private(
    bundle: EvidenceBundle,
    incident: Incident,
    tenant: Tenant,
    actor: Callable[..., Actor],
    as_user: Callable[[User], Client],
    cora: User,
    cleo: User,
    now: datetime,
) -> None:
    call = caller(tenant, token_of=cleo)
    with tenant_scope(tenant.id):
        artifact, pack = bundle.artifacts.get().id, bundle.packs.get().id
    base = reverse("evidence:list", args=["northwind"])
    page = f"{base}EVB-{bundle.number}/"
    pages = [page, f"{page}artifacts/{artifact}/", f"{base}packs/{pack}.pdf"]
    addresses = [f"/bundles/{bundle.id}", f"/bundles/{bundle.id}/artifacts/{artifact}/content"]
    auditor = as_user(cleo)
    assert auditor.get(page).status_code == 200
    assert TITLE in auditor.get(base).content.decode()

    hide(incident, actor, cora, now)

    assert [auditor.get(each).status_code for each in pages] == [404, 404, 404]
    assert [call("get", each).status_code for each in addresses] == [404, 404]
    shown = [auditor.get(each).content.decode() for each in (base, "/t/northwind/controls/SOC2_CC7.4/")]
    assert [TITLE in each for each in shown] == [False, False]
    assert call("get", "/bundles").json()["items"] == []
    with tenant_scope(tenant.id), viewing_as(actor(cleo)):
        assert not Pack.objects.exists()
    assert as_user(cora).get(page).status_code == 200, "she declared it"

    with tenant_scope(tenant.id):
        grant_access(incident=incident, user=cleo, reason="The audit covers it.", actor=actor(cora), now=now)
    assert auditor.get(page).status_code == 200


def test_workers_go_on_with_it(
    bundle: EvidenceBundle, incident: Incident, actor: Callable[..., Actor], cora: User, now: datetime
) -> None:
    hide(incident, actor, cora, now)

    with tenant_scope(bundle.tenant_id):
        assert (EvidenceBundle.objects.count(), Pack.objects.count()) == (1, 1)


def test_its_node_never_said_the_incidents_title(bundle: EvidenceBundle, incident: Incident) -> None:
    """Nodes are seen by everybody in the organisation, and keep the name that they were given."""
    with tenant_scope(bundle.tenant_id):
        names = list(Node.objects.filter(kind="bundle").values_list("name", flat=True))

    assert names == [f"{bundle.code} about {incident.code}"]
