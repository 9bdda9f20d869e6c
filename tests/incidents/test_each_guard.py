"""Each guard that a policy may name: what it says while it is unmet, and what meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident
from incidents.models.choices import Question
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.reporting.lifecycle import decide_obligations
from incidents.response.guards import GUARDS, Asked, ask
from incidents.response.policy import GuardRule
from incidents.response.policy_versions import change_response_policy
from incidents.response.roles import assign_role
from incidents.response.tasks import add_task, change_task
from incidents.timeline.lifecycle import post_update

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Scene:
    """An open SEV2 incident and who may do what to it."""

    incident: Incident
    actor: Actor
    user: User
    now: datetime

    def answer(self, guard: str, *, to: str = "RESOLVED", now: datetime | None = None, **rule: Any) -> tuple[str, str]:
        """Return why the guard is unmet and how to meet it; two empty texts where it is met."""
        self.incident.refresh_from_db()
        asked = Asked(self.incident, to, now or self.now)
        (found,) = ask(asked, [GuardRule(guard=guard, **rule)])
        assert found.met is (found.why == "")
        return found.why, found.how


MET = ("", "")


@pytest.fixture
def scene(declare: Callable[..., Incident], commander: Actor, cora: User, now: datetime) -> Scene:
    return Scene(declare(severity="SEV2", title="Payouts stuck"), commander, cora, now)


def _acknowledged(scene: Scene) -> None:
    assert scene.answer("acknowledged") == ("Nobody has acknowledged it.", "Acknowledge it.")
    acknowledge_incident(incident=scene.incident, actor=scene.actor, now=scene.now)
    assert scene.answer("acknowledged") == MET


def _commander_assigned(scene: Scene) -> None:
    assert scene.answer("commander_assigned")[0] == "Nobody commands it."
    assign_role(incident=scene.incident, role="COMMANDER", user=scene.user, actor=scene.actor, now=scene.now)
    assert scene.answer("commander_assigned") == MET


def _update_posted(scene: Scene) -> None:
    assert scene.answer("update_posted", minutes=15)[0] == "Nobody has posted an update in the last 15 minutes."
    post_update(incident=scene.incident, text="The queue drains.", actor=scene.actor, now=scene.now)
    assert scene.answer("update_posted", minutes=15, now=scene.now + 15 * MINUTE) == MET
    late = scene.answer("update_posted", minutes=15, now=scene.now + 16 * MINUTE)
    assert late[1] == "Post one that says where it stands."
    assert scene.answer("update_posted", now=scene.now + 16 * MINUTE) == MET


def _type_set(scene: Scene) -> None:
    assert scene.answer("type_set") == ("It has no type.", "Classify it with a type.")
    classify_incident(incident=scene.incident, incident_type="outage", actor=scene.actor, now=scene.now)
    assert scene.answer("type_set") == MET


def _service_named(scene: Scene) -> None:
    assert scene.answer("service_named") == ("It names no affected resource.", "Classify it with a service.")
    classify_incident(incident=scene.incident, service="payouts", actor=scene.actor, now=scene.now)
    assert scene.answer("service_named") == MET


def _monitored_for(scene: Scene) -> None:
    unmet = ("It has not been monitored for 30 minutes.", "Set it to monitoring and wait 30 minutes.")
    assert scene.answer("monitored_for", minutes=30) == unmet
    Incident.objects.filter(id=scene.incident.id).update(status="MONITORING", monitoring_at=scene.now)
    assert scene.answer("monitored_for", minutes=30, now=scene.now + 29 * MINUTE) == unmet
    assert scene.answer("monitored_for", minutes=30, now=scene.now + 30 * MINUTE) == MET


def _blocking_tasks_closed(scene: Scene) -> None:
    add_task(incident=scene.incident, title="Write it down", actor=scene.actor, now=scene.now)
    task = add_task(
        incident=scene.incident, title="Drain the queue", is_blocking=True, actor=scene.actor, now=scene.now
    )
    assert scene.answer("blocking_tasks_closed")[0] == "Blocking tasks are not closed: #2 Drain the queue."
    change_task(task=task, state="DONE", actor=scene.actor, now=scene.now)
    assert scene.answer("blocking_tasks_closed") == MET


def _questions_answered(scene: Scene) -> None:
    why, how = scene.answer("questions_answered")
    assert (why.count("?"), how) == (len(Question), "Answer yes, no or not known.")
    some = dict.fromkeys(Question.values[1:], "NO")
    classify_incident(incident=scene.incident, answers=some, actor=scene.actor, now=scene.now)
    assert scene.answer("questions_answered")[0] == "Nobody has answered: Is personal data affected?"
    rest = {Question.PERSONAL_DATA.value: "UNKNOWN"}
    classify_incident(incident=scene.incident, answers=rest, actor=scene.actor, now=scene.now)
    assert scene.answer("questions_answered") == MET


def _required_roles_filled(scene: Scene) -> None:
    """The built-in policy asks for a commander of a SEV2, and for two more of a SEV1."""
    how = "Under Roles, take what is vacant or give it to somebody."
    assert scene.answer("required_roles_filled") == ("Nobody holds the role of commander.", how)
    assign_role(incident=scene.incident, role="COMMANDER", user=scene.user, actor=scene.actor, now=scene.now)
    assert scene.answer("required_roles_filled") == MET
    classify_incident(incident=scene.incident, severity="SEV1", actor=scene.actor, now=scene.now)
    assert scene.answer("required_roles_filled")[0] == "Nobody holds the roles of communications and operations."


def _reporting_decided(scene: Scene) -> None:
    classify_incident(incident=scene.incident, answers={"personal_data": "YES"}, actor=scene.actor, now=scene.now)
    assert "to be reported under GDPR" in scene.answer("reporting_decided")[0]
    waiting = Obligation.objects.filter(incident=scene.incident, state=Obligation.State.ASSESSING)
    for regime in set(waiting.values_list("regime", flat=True)):
        decide_obligations(
            incident=scene.incident,
            regime=regime,
            applies=False,
            reason="Test data only, no person.",
            actor=scene.actor,
            now=scene.now,
        )
    assert scene.answer("reporting_decided") == MET


def _reopened_in_time(scene: Scene) -> None:
    assert scene.answer("reopened_in_time", to="OPEN") == MET
    StatusTransition.objects.create(
        tenant_id=scene.incident.tenant_id,
        incident=scene.incident,
        seq=9,
        from_status="MITIGATED",
        to_status="RESOLVED",
        actor=scene.actor.ref,
        actor_name=scene.actor.name,
        occurred_at=scene.now,
        recorded_at=scene.now,
    )
    assert scene.answer("reopened_in_time", days=2, now=scene.now + timedelta(days=2)) == MET
    late = scene.answer("reopened_in_time", days=2, now=scene.now + timedelta(days=2, seconds=1))
    assert late[1] == "Declare a new incident and link it as a regression of this one."


SCENES: dict[str, Callable[[Scene], None]] = {
    "acknowledged": _acknowledged,
    "commander_assigned": _commander_assigned,
    "update_posted": _update_posted,
    "type_set": _type_set,
    "service_named": _service_named,
    "monitored_for": _monitored_for,
    "blocking_tasks_closed": _blocking_tasks_closed,
    "questions_answered": _questions_answered,
    "required_roles_filled": _required_roles_filled,
    "reporting_decided": _reporting_decided,
    "reopened_in_time": _reopened_in_time,
}


@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_is_unmet_until_what_it_asks_for_is_done(scene: Scene, guard: str) -> None:
    SCENES[guard](scene)


def test_a_guard_is_asked_only_of_its_severities(scene: Scene) -> None:
    rule = GuardRule(guard="type_set", severities=["SEV1"])

    assert ask(Asked(scene.incident, "RESOLVED", scene.now), [rule]) == []


def test_required_roles_are_the_tenants_own(
    tenant: Tenant, scene: Scene, ana: User, actor: Callable[..., Actor]
) -> None:
    content = {"title": "Ours", "required_roles": {"SEV2": ["SCRIBE"]}}
    change_response_policy(
        tenant_id=tenant.id, content=content, reason="r", seen_version=0, actor=actor(ana), now=scene.now
    )

    assert scene.answer("required_roles_filled")[0] == "Nobody holds the role of scribe."
