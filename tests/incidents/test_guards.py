"""Guards are data of the tenant, versioned; every reason comes at once; passing them is a right that leaves a trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import mitigate_incident, move_incident, reopen_incident
from incidents.models.choices import EventKind, Status
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.policy import ResponsePolicy
from incidents.postmortem.record import read_story
from incidents.record.metrics import measure_all
from incidents.record.refusals import GuardsNotMet, OverrideNotAllowed
from incidents.response.policy import built_in_content, policy_in_force
from incidents.response.policy_versions import PolicyChanged, change_response_policy
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update

AtStatus = Callable[..., Incident]
STRICT = {
    "guard": "commander_assigned"
}, {"guard": "type_set"}, {"guard": "update_posted", "overridable": False}  # fmt: skip


@pytest.fixture
def admin(ana: object, actor: Callable[..., Actor]) -> Actor:
    return actor(ana)


@pytest.fixture
def strict(tenant: Tenant, scope: None, admin: Actor, now: datetime) -> ResponsePolicy:
    """Mitigating needs a commander, a type and an update."""
    content: dict[str, Any] = {"title": "Strict", "transitions": {"OPEN>MITIGATED": {"guards": list(STRICT)}}}
    return change_response_policy(
        tenant_id=tenant.id, content=content, reason="After the review.", seen_version=0, actor=admin, now=now
    )


def test_all_unmet_guards_come_at_once_and_say_how_to_meet_them(
    strict: ResponsePolicy, incident: Incident, commander: Actor, cora: Any, now: datetime
) -> None:
    with pytest.raises(GuardsNotMet) as refused:
        mitigate_incident(incident=incident, actor=commander, now=now)

    assert {name: why for name, (why,) in refused.value.fields.items()} == {
        "commander_assigned": "Nobody commands it. Take the role of commander, or give it to somebody.",
        "type_set": "It has no type. Classify it with a type.",
        "update_posted": "Nobody has posted an update. Post one that says where it stands.",
    }
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    classify_incident(incident=incident, incident_type="outage", actor=commander, now=now)
    post_update(incident=incident, text="Rolled back.", actor=commander, now=now)

    mitigate_incident(incident=incident, actor=commander, now=now)

    transition = StatusTransition.objects.get(incident=incident, to_status="MITIGATED")
    assert transition.policy_version == 1
    assert [(each["guard"], each["met"]) for each in transition.guards] == [
        ("commander_assigned", True),
        ("type_set", True),
        ("update_posted", True),
    ]


def test_an_override_needs_its_permission_and_a_reason_and_is_shown(
    strict: ResponsePolicy, incident: Incident, responder: Actor, commander: Actor, now: datetime
) -> None:
    post_update(incident=incident, text="Rolled back.", actor=responder, now=now)
    why = "The commander is in a tunnel."
    with pytest.raises(OverrideNotAllowed):
        mitigate_by_override(incident, responder, why, now)
    with pytest.raises(Invalid):
        mitigate_by_override(incident, commander, "hurry", now)

    mitigate_by_override(incident, commander, why, now)

    transition = StatusTransition.objects.get(incident=incident, to_status="MITIGATED")
    assert transition.override == {"by": commander.ref, "by_name": commander.name, "reason": why}
    entry = TimelineEvent.objects.get(incident=incident, kind=EventKind.GUARD_OVERRIDDEN)
    assert [each["guard"] for each in entry.data["guards"]] == ["commander_assigned", "type_set"]
    assert entry.body == why
    receipt = Receipt.objects.get(action="incidents.incident.mitigated", subject=incident.ref)
    assert receipt.body["override"]["reason"] == why


def test_a_guard_that_is_not_overridable_is_not_overridden(
    strict: ResponsePolicy, incident: Incident, commander: Actor, now: datetime
) -> None:
    with pytest.raises(GuardsNotMet) as refused:
        mitigate_by_override(incident, commander, "The commander is in a tunnel.", now)

    assert [each["guard"] for each in refused.value.unmet] == ["update_posted"]
    assert Incident.objects.get(id=incident.id).status == "OPEN"


def test_the_permission_of_a_move_is_data_too(
    tenant: Tenant, admin: Actor, responder: Actor, at_status: AtStatus, now: datetime
) -> None:
    content = {"title": "Ours", "transitions": {"MITIGATED>MONITORING": {"permission": "command"}}}
    change_response_policy(tenant_id=tenant.id, content=content, reason="r", seen_version=0, actor=admin, now=now)

    with pytest.raises(PermissionMissing):
        move_incident(incident=at_status("MITIGATED"), to="MONITORING", actor=responder, now=now)


def test_a_policy_is_never_changed_only_followed_by_another(
    tenant: Tenant, strict: ResponsePolicy, admin: Actor, now: datetime
) -> None:
    assert (policy_in_force().version, policy_in_force().digest) == (1, strict.digest)
    assert Receipt.objects.get(action="incidents.response_policy.changed").body["digest"] == strict.digest
    with pytest.raises(PolicyChanged):
        change_response_policy(
            tenant_id=tenant.id, content=built_in_content(), reason="r", seen_version=0, actor=admin, now=now
        )
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE incidents_responsepolicy SET version = 9")


def test_a_policy_of_another_shape_is_refused_with_every_fault(
    tenant: Tenant, scope: None, admin: Actor, commander: Actor, now: datetime
) -> None:
    content = {
        "title": "",
        "transitions": {"OPEN>TRIAGE": {}, "OPEN>MITIGATED": {"permission": "fly"}},
        "colour": "red",
    }
    with pytest.raises(Invalid) as refused:
        change_response_policy(tenant_id=tenant.id, content=content, reason="", seen_version=0, actor=admin, now=now)
    assert {"reason", "title", "colour", "transitions.OPEN>MITIGATED.permission"} <= set(refused.value.fields)

    unknown = {"title": "t", "transitions": {"OPEN>MITIGATED": {"guards": [{"guard": "moon_is_full"}]}}}
    with pytest.raises(Invalid) as refused:
        change_response_policy(tenant_id=tenant.id, content=unknown, reason="r", seen_version=0, actor=admin, now=now)
    assert "There is no guard moon_is_full" in refused.value.fields["transitions.OPEN>MITIGATED"][0]
    with pytest.raises(PermissionMissing):
        change_response_policy(
            tenant_id=tenant.id, content=built_in_content(), reason="r", seen_version=0, actor=commander, now=now
        )
    assert policy_in_force().version == 0


def test_triage_is_accepted_or_declined(
    tenant: Tenant, scope: None, commander: Actor, responder: Actor, cora: Any, now: datetime
) -> None:
    incident, _ = declare_incident(
        tenant_id=tenant.id, title="Odd log lines", severity="SEV2", triage=True, actor=responder, now=now
    )
    assert incident.status == "TRIAGE"
    assert incident.is_active
    with pytest.raises(GuardsNotMet) as refused:
        move_incident(incident=incident, to="OPEN", actor=responder, now=now)
    assert [each["guard"] for each in refused.value.unmet] == ["commander_assigned"]

    acknowledge_incident(incident=incident, actor=commander, now=now, take_command=True)
    move_incident(incident=incident, to="OPEN", actor=responder, now=now)

    assert StatusTransition.objects.get(incident=incident, seq=2).guards[0]["met"] is True


def test_what_was_declined_is_not_active_and_can_be_restored_by_a_commander(
    at_status: AtStatus, responder: Actor, commander: Actor, now: datetime
) -> None:
    incident = at_status("DECLINED", dedup_key="odd")
    assert not incident.is_active
    assert incident.closure == "TEST"
    assert Incident.objects.live_for("odd") is None
    with pytest.raises(PermissionMissing):
        reopen_incident(incident=incident, reason="It was one after all.", actor=responder, now=now)

    reopen_incident(incident=incident, reason="It was one after all.", actor=commander, now=now)

    assert (incident.status, incident.closure) == ("OPEN", "")


def test_after_the_window_a_new_incident_is_asked_for(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident = at_status("RESOLVED")

    with pytest.raises(GuardsNotMet) as refused:
        reopen_incident(incident=incident, reason="It is back again.", actor=commander, now=now + timedelta(days=8))

    assert "Declare a new incident" in refused.value.detail


def test_regressing_keeps_the_first_mitigation_and_counts_every_opening(
    at_status: AtStatus, commander: Actor, now: datetime
) -> None:
    incident = at_status("MITIGATED")
    hour = timedelta(hours=1)
    move_incident(incident=incident, to="OPEN", reason="It climbs again.", actor=commander, now=now + hour)
    move_incident(incident=incident, to="MITIGATED", actor=commander, now=now + 2 * hour)
    move_incident(incident=incident, to="RESOLVED", actor=commander, now=now + 3 * hour)
    move_incident(incident=incident, to="OPEN", reason="It is back again.", actor=commander, now=now + 5 * hour)
    move_incident(incident=incident, to="MITIGATED", actor=commander, now=now + 6 * hour)
    move_incident(incident=incident, to="RESOLVED", actor=commander, now=now + 6 * hour)

    story = read_story(incident=incident)
    seconds = {each.key: each.seconds for each in measure_all(
        milestones=story.milestones, transitions=story.transitions)}  # fmt: skip
    assert incident.mitigated_at == now
    assert seconds["time_to_mitigate"] == 0
    assert seconds["time_to_resolve"] == 6 * 3600
    assert seconds["time_unresolved"] == 4 * 3600
    assert Status(story.transitions[-1].to_status) == Status.RESOLVED


def mitigate_by_override(incident: Incident, actor: Actor, why: str, now: datetime) -> None:
    move_incident(incident=incident, to="MITIGATED", override=why, actor=actor, now=now)
