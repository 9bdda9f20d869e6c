"""What the response policy asked of an incident, and what happened, by the policy that was in force then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.status import move_incident
from incidents.models.incident import Incident
from incidents.response.conformance import conformance_of
from incidents.response.policy import policy_in_force
from incidents.response.policy_versions import change_response_policy
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import record_missed_update

Declare = Callable[..., Incident]


def put(tenant: Tenant, ana: Any, actor: Callable[..., Actor], now: datetime, **content: Any) -> None:
    """Put a new version of the policy in force."""
    change_response_policy(
        tenant_id=tenant.id,
        content={"title": "Ours", **content},
        reason="After the review.",
        seen_version=policy_in_force().version,
        actor=actor(ana),
        now=now,
    )


def test_policy_hash_frozen_in_conformance(
    tenant: Tenant, scope: None, ana: Any, actor: Callable[..., Actor], declare: Declare, now: datetime
) -> None:
    """A version that comes into force later changes no report of an incident before it, only those after it."""
    put(tenant, ana, actor, now - timedelta(hours=1), required_roles={"SEV3": ["COMMANDER", "SCRIBE"]})
    first = policy_in_force()
    incident = declare()
    before = conformance_of(incident=incident)

    put(tenant, ana, actor, now + timedelta(hours=1), required_roles={"SEV3": []}, accept_within_minutes=5)
    after = conformance_of(incident=incident)
    later = conformance_of(incident=declare(now=now + timedelta(hours=2)))

    assert before == after
    assert before["policy"] == {"version": 1, "digest": first.digest, "title": "Ours"}
    assert [each["role"] for each in before["roles"]] == ["COMMANDER", "SCRIBE"]
    assert later["policy"]["version"] == 2
    assert later["policy"]["digest"] == policy_in_force().digest != first.digest
    assert later["roles"] == []


def test_it_says_what_was_held_missed_and_overridden(
    tenant: Tenant,
    scope: None,
    ana: Any,
    cora: Any,
    actor: Callable[..., Actor],
    declare: Declare,
    commander: Actor,
    now: datetime,
) -> None:
    put(
        tenant,
        ana,
        actor,
        now,
        required_roles={"SEV3": ["COMMANDER", "SCRIBE"]},
        transitions={"OPEN>MITIGATED": {"guards": [{"guard": "type_set"}]}},
    )
    incident = declare()
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    missed_at = now + timedelta(minutes=30)
    record_missed_update(
        incident=incident, due_at=missed_at, miss=1, escalated_to="nobody", actor=Actor.system(), now=missed_at
    )
    move_incident(
        incident=incident, to="MITIGATED", override="Customers wait, the type can follow.", actor=actor(ana), now=now
    )

    report = conformance_of(incident=incident)

    assert [(each["role"], each["by"]) for each in report["roles"]] == [
        ("COMMANDER", "Cora Commander"),
        ("SCRIBE", None),
    ]
    assert len(report["updates"]["missed"]) == 1
    move = report["moves"][-1]
    assert (move["to"], move["policy_version"]) == ("MITIGATED", 1)
    assert [(each["guard"], each["met"]) for each in move["guards"]] == [("type_set", False)]
    assert move["override"]["reason"] == "Customers wait, the type can follow."


def test_the_built_in_policy_is_named_by_its_digest_too(incident: Incident) -> None:
    report = conformance_of(incident=incident)

    assert report["policy"]["version"] == 0
    assert report["policy"]["digest"] == policy_in_force().digest
