"""Whoever is given or offered a role is asked in Slack, once and alone, if they are linked there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User

from chatops import tasks
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from incidents.response.handovers import accept_role, hand_over_role
from incidents.response.roles import assign_role
from tests.chatops.double import Workspace
from tests.chatops.slack import BEN, CORA

Deliver = Callable[[], int]


def _actor(person: User, tenant: Tenant) -> Actor:
    with tenant_scope(tenant.id):
        found = actor_for_user(user=person, tenant=tenant, channel="console")
    assert found is not None
    return found


def _asked(live: Workspace, person: str) -> list[str]:
    return [message.text for message in live.channels[person].messages.values()] if person in live.channels else []


def _keep(deliver: Deliver) -> None:
    for _ in range(2):
        tasks.follow_all(clock_now())
        deliver()


def _declared(tenant: Tenant, actor: Actor, visibility: str = "NORMAL") -> Incident:
    with tenant_scope(tenant.id):
        incident, _ = declare_incident(
            tenant_id=tenant.id,
            title="Payouts <stuck>",
            severity="SEV2",
            visibility=visibility,
            actor=actor,
            now=clock_now() - timedelta(minutes=1),
        )
    return incident


def test_a_given_role_is_asked_for_once_in_a_message_of_their_own(
    live: Workspace, tenant: Tenant, deliver: Deliver, ben: User, cora: User
) -> None:
    boss = _actor(cora, tenant)
    incident = _declared(tenant, boss)
    with tenant_scope(tenant.id):
        assign_role(incident=incident, role="SCRIBE", user=ben, actor=boss, now=clock_now())
        assign_role(incident=incident, role="COMMANDER", user=cora, actor=boss, now=clock_now())

    _keep(deliver)

    (asked,) = _asked(live, BEN)
    assert "You were made scribe of INC-1 Payouts &lt;stuck&gt;. Can you take it?" in asked
    assert "/t/northwind/incidents/INC-1/" in asked
    assert _asked(live, CORA) == [], "she took command herself"


def test_an_offer_is_asked_for_with_its_note_and_an_answer_ends_it(
    live: Workspace, tenant: Tenant, deliver: Deliver, ben: User, cora: User
) -> None:
    boss = _actor(cora, tenant)
    incident = _declared(tenant, boss)
    with tenant_scope(tenant.id):
        assign_role(incident=incident, role="COMMANDER", user=cora, actor=boss, now=clock_now())
        assign_role(incident=incident, role="SCRIBE", user=ben, actor=boss, now=clock_now())
        accept_role(incident=incident, role="SCRIBE", actor=_actor(ben, tenant), now=clock_now())
        hand_over_role(incident=incident, role="COMMANDER", to=ben, note="Bridge is open.", actor=boss, now=clock_now())

    _keep(deliver)

    (asked,) = _asked(live, BEN)
    assert "Cora Commander offers you the role of commander" in asked
    assert "Bridge is open." in asked


def test_of_a_private_incident_only_its_code_is_said(
    live: Workspace, tenant: Tenant, deliver: Deliver, ben: User, cora: User
) -> None:
    boss = _actor(cora, tenant)
    incident = _declared(tenant, boss, "PRIVATE")
    with tenant_scope(tenant.id):
        assign_role(incident=incident, role="SCRIBE", user=ben, actor=boss, now=clock_now())

    _keep(deliver)

    (asked,) = _asked(live, BEN)
    assert "INC-1" in asked
    assert "stuck" not in asked
