"""A role is accepted or declined, and handed over with a note; tasks that block hold the incident open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.tenancy.actors import Actor, PermissionMissing
from incidents.incident.status import resolve_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer, Task
from incidents.record.refusals import GuardsNotMet, NotAResponder
from incidents.record.wording import sentence
from incidents.response.handovers import NothingToAnswer, accept_role, decline_role, hand_over_role
from incidents.response.roles import assign_role
from incidents.response.tasks import add_task, change_task


def test_who_is_given_a_role_accepts_it_and_thereby_acknowledges(
    incident: Incident, commander: Actor, responder: Actor, ben: Any, now: datetime
) -> None:
    given = assign_role(incident=incident, role="OPERATIONS", user=ben, actor=commander, now=now)
    assert given.accepted_at is None

    accepted = accept_role(incident=incident, role="OPERATIONS", actor=responder, now=now + timedelta(minutes=2))
    accept_role(incident=incident, role="OPERATIONS", actor=responder, now=now + timedelta(minutes=9))

    assert accepted.accepted_at == now + timedelta(minutes=2)
    assert incident.acknowledged_at == now + timedelta(minutes=2)
    assert TimelineEvent.objects.filter(incident=incident, kind=EventKind.ROLE_ACCEPTED).count() == 1


def test_who_takes_a_role_has_accepted_it(incident: Incident, responder: Actor, ben: Any, now: datetime) -> None:
    assert assign_role(incident=incident, role="SCRIBE", user=ben, actor=responder, now=now).accepted_at == now


def test_a_declined_role_is_vacant_again(
    incident: Incident, commander: Actor, responder: Actor, ben: Any, now: datetime
) -> None:
    assign_role(incident=incident, role="COMMUNICATIONS", user=ben, actor=commander, now=now)

    decline_role(incident=incident, role="COMMUNICATIONS", reason="I am on a train.", actor=responder, now=now)

    assert not RoleAssignment.objects.filter(incident=incident, ended_at=None).exists()
    entry = TimelineEvent.objects.get(incident=incident, kind=EventKind.ROLE_DECLINED)
    assert entry.body == "I am on a train."
    with pytest.raises(NothingToAnswer):
        decline_role(incident=incident, role="COMMUNICATIONS", reason="Again.", actor=responder, now=now)


def test_a_handover_is_a_note_and_its_acceptance_and_the_holder_stays_until_then(
    incident: Incident, commander: Actor, responder: Actor, cora: Any, ben: Any, now: datetime
) -> None:
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)

    hand_over_role(
        incident=incident, role="COMMANDER", to=ben, note="The failover is at 14:00.", actor=commander, now=now
    )
    assert RoleAssignment.objects.get(incident=incident, ended_at=None).user == cora
    taken = accept_role(incident=incident, role="COMMANDER", actor=responder, now=now + timedelta(minutes=1))

    assert (taken.user, taken.handover_note, taken.accepted_at) == (
        ben,
        "The failover is at 14:00.",
        now + timedelta(minutes=1),
    )
    entry = TimelineEvent.objects.filter(incident=incident, kind=EventKind.ROLE_ASSIGNED).latest("seq")
    assert sentence(entry) == "Ben Responder handed the role of commander from Cora Commander to Ben Responder"
    assert entry.body == "The failover is at 14:00."
    assert RoleOffer.objects.get().answer == "ACCEPTED"


def test_a_declined_handover_changes_nobody(
    incident: Incident, commander: Actor, responder: Actor, cora: Any, ben: Any, cleo: Any, now: datetime
) -> None:
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    with pytest.raises(NotAResponder):
        hand_over_role(incident=incident, role="COMMANDER", to=cleo, note="n", actor=commander, now=now)
    with pytest.raises(PermissionMissing):
        hand_over_role(incident=incident, role="COMMANDER", to=ben, note="n", actor=responder, now=now)
    hand_over_role(incident=incident, role="COMMANDER", to=ben, note="First.", actor=commander, now=now)
    hand_over_role(incident=incident, role="COMMANDER", to=ben, note="Second.", actor=commander, now=now)

    decline_role(incident=incident, role="COMMANDER", reason="Not me.", actor=responder, now=now)

    assert RoleAssignment.objects.get(incident=incident, ended_at=None).user == cora
    assert list(RoleOffer.objects.order_by("offered_at", "id").values_list("answer", flat=True)) == [
        "WITHDRAWN",
        "DECLINED",
    ]


def test_a_blocking_task_holds_the_incident_open(
    at_status: Callable[..., Incident], commander: Actor, ben: Any, now: datetime
) -> None:
    incident = at_status("MITIGATED")
    task = add_task(
        incident=incident, title="Drain the retry queue", assignee=ben, is_blocking=True, actor=commander, now=now
    )
    add_task(incident=incident, title="Tidy the dashboard", actor=commander, now=now)

    with pytest.raises(GuardsNotMet) as refused:
        resolve_incident(incident=incident, actor=commander, now=now)
    assert "#1 Drain the retry queue" in refused.value.fields["blocking_tasks_closed"][0]
    change_task(task=task, state="DONE", actor=commander, now=now)

    assert resolve_incident(incident=incident, actor=commander, now=now).status == "RESOLVED"
    assert (task.ended_at, task.assignee_name) == (now, "Ben Responder")


def test_a_task_changes_as_one_entry_and_unchanged_as_none(
    incident: Incident, commander: Actor, responder: Actor, cora: Any, cleo: object, actor: Any, now: datetime
) -> None:
    task = add_task(incident=incident, title="Call the provider", actor=responder, now=now)

    change_task(task=task, state="DOING", assignee=cora, actor=responder, now=now)
    change_task(task=task, state="DOING", assignee=cora, actor=responder, now=now)

    entry = TimelineEvent.objects.get(incident=incident, kind=EventKind.TASK_CHANGED)
    assert sentence(entry) == "Task “Call the provider”: Ben Responder set it to doing and gave it to Cora Commander"
    with pytest.raises(PermissionMissing):
        change_task(task=task, state="DONE", actor=actor(cleo), now=now)
    assert Task.objects.get().state == "DOING"
