"""The timeline is append-only to everybody; corrections supersede, and redaction drops words without the proof."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import Milestone, Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.postmortem.record import read_story
from incidents.record.chain import verify, verify_against
from incidents.record.metrics import State
from incidents.record.wording import sentence
from incidents.timeline.corrections import CorrectedAlready, NotCorrectable, correct_entry
from incidents.timeline.lifecycle import add_note, post_update, record_decision
from incidents.timeline.milestones import set_milestone
from incidents.timeline.redactions import ApproverIsRequester, RedactedAlready, approve_redaction, request_redaction

SECRET = "Customer Jane Roe, card 4111 1111 1111 1111"


def entries(incident: Incident) -> list[TimelineEvent]:
    return list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))


def vouched(incident: Incident) -> list[dict[str, Any]]:
    """What the incident's receipts say of its entries."""
    receipts = Receipt.objects.filter(subject=incident.ref)
    return [entry for receipt in receipts for entry in receipt.body.get("entries", [])]


@pytest.fixture
def told(incident: Incident, responder: Actor, now: datetime) -> TimelineEvent:
    """An update that says too much."""
    return post_update(incident=incident, text=SECRET, actor=responder, now=now)


CHANGES = (
    "UPDATE incidents_timelineevent SET body = 'something else'",
    "UPDATE incidents_timelineevent SET body = '', body_salt = '', redacted_at = now()",
    "UPDATE incidents_timelineevent SET occurred_at = occurred_at - interval '1 hour'",
    "UPDATE incidents_timelineevent SET chain_digest = ''",
    "DELETE FROM incidents_timelineevent",
    "TRUNCATE incidents_timelineevent CASCADE",
)


@pytest.mark.parametrize("statement", CHANGES)
def test_timeline_update_delete_refused_by_database(told: TimelineEvent, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert TimelineEvent.objects.get(id=told.id).body == SECRET


def test_not_even_the_owner_of_the_table_changes_an_entry(committed: None, tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        declare_incident(tenant_id=tenant.id, title="x", severity="SEV3", actor=Actor.system(), now=now)
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=name, autocommit=True) as owner:
        for statement in CHANGES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement)


def test_redaction_keeps_chain_valid(
    incident: Incident, told: TimelineEvent, responder: Actor, commander: Actor, now: datetime
) -> None:
    post_update(incident=incident, text="It is over.", actor=responder, now=now)
    assert verify(entries(incident)) == []

    redaction = request_redaction(
        event=told, reason="It names a customer.", legal_basis="GDPR Art. 17", actor=responder, now=now
    )
    redacted = approve_redaction(redaction=redaction, actor=commander, now=now)
    approve_redaction(redaction=redaction, actor=commander, now=now)

    assert (redacted.body, redacted.body_salt, redacted.redacted_at) == ("", "", now)
    assert verify(entries(incident)) == []
    assert verify_against(entries(incident), vouched(incident)) == []
    kinds = [each.kind for each in entries(incident)][-2:]
    assert kinds == [EventKind.REDACTION_REQUESTED, EventKind.ENTRY_REDACTED]
    everything = str([receipt.body for receipt in Receipt.objects.filter(subject=incident.ref)])
    assert "Jane Roe" not in everything


def test_redaction_needs_two_people_and_happens_once(
    told: TimelineEvent, responder: Actor, commander: Actor, now: datetime
) -> None:
    redaction = request_redaction(event=told, reason="r", legal_basis="b", actor=commander, now=now)

    with pytest.raises(ApproverIsRequester):
        approve_redaction(redaction=redaction, actor=commander, now=now)
    with pytest.raises(PermissionMissing):
        approve_redaction(redaction=redaction, actor=responder, now=now)
    with pytest.raises(RedactedAlready):
        request_redaction(event=told, reason="r", legal_basis="b", actor=responder, now=now)
    with pytest.raises(DatabaseError), transaction.atomic():
        Redaction.objects.update(state="APPROVED", answered_by=commander.ref, answered_at=now)


def test_a_redaction_with_facts_leaves_neither(
    incident: Incident, told: TimelineEvent, responder: Actor, commander: Actor, now: datetime
) -> None:
    redaction = request_redaction(event=told, reason="r", legal_basis="b", drops_data=True, actor=responder, now=now)
    redacted = approve_redaction(redaction=redaction, actor=commander, now=now)

    assert (redacted.data, redacted.data_salt) == ({}, "")
    assert sentence(redacted) == "An entry by Ben Responder was redacted"
    assert verify(entries(incident)) == []


def test_what_the_chain_catches(incident: Incident, told: TimelineEvent, responder: Actor, now: datetime) -> None:
    post_update(incident=incident, text="Later.", actor=responder, now=now)
    whole = entries(incident)

    changed = entries(incident)
    changed[1].body = "Nothing happened."
    assert [each.seq for each in verify(changed)] == [2]
    dropped = [whole[0], whole[2]]
    assert {each.seq for each in verify(dropped)} == {3}
    backdated = entries(incident)
    backdated[1].occurred_at -= timedelta(hours=1)
    assert [each.seq for each in verify(backdated)] == [2]
    hidden = entries(incident)
    hidden[1].body, hidden[1].body_salt, hidden[1].redacted_at = "", "", now
    assert "without approval" in verify(hidden)[0].what


def test_tail_truncation_detected_with_anchor(
    incident: Incident, told: TimelineEvent, responder: Actor, now: datetime
) -> None:
    """A shorter chain is a chain too: the receipts, which are in the log, tell that something was cut off."""
    cut = entries(incident)[:-1]

    assert verify(cut) == []
    assert [each.seq for each in verify_against(cut, vouched(incident))] == [2]


def test_a_correction_supersedes_and_the_first_words_stay(
    incident: Incident, responder: Actor, commander: Actor, now: datetime
) -> None:
    note = add_note(
        incident=incident,
        text="Traffic moved at 10:40.",
        occurred_at=now - timedelta(minutes=20),
        actor=responder,
        now=now,
    )
    assert (note.occurred_at, note.recorded_at) == (now - timedelta(minutes=20), now)

    better = correct_entry(
        event=note,
        text="Traffic moved at 10:30.",
        occurred_at=now - timedelta(minutes=30),
        reason="Read it off the graph.",
        actor=commander,
        now=now,
    )

    assert (better.supersedes_id, better.body) == (note.id, "Traffic moved at 10:30.")
    assert TimelineEvent.objects.get(id=note.id).body == "Traffic moved at 10:40."
    with pytest.raises(CorrectedAlready):
        correct_entry(event=note, text="x", reason="r", actor=commander, now=now)
    correct_entry(event=better, text="Traffic moved at 10:31.", reason="Again.", actor=commander, now=now)
    with pytest.raises(NotCorrectable):
        acknowledged = TimelineEvent.objects.filter(incident=incident).latest("seq")
        acknowledged.kind = EventKind.STATUS_CHANGED
        correct_entry(event=acknowledged, text="x", reason="r", actor=commander, now=now)


def test_nothing_is_noted_from_the_future(incident: Incident, responder: Actor, now: datetime) -> None:
    add_note(incident=incident, text="n", occurred_at=now + timedelta(seconds=59), actor=responder, now=now)
    with pytest.raises(Invalid):
        add_note(incident=incident, text="n", occurred_at=now + timedelta(seconds=61), actor=responder, now=now)
    with pytest.raises(Invalid):
        add_note(incident=incident, text="n", occurred_at=datetime(2026, 1, 1), actor=responder, now=now)


def test_a_decision_not_to_is_a_decision_with_its_reason(
    incident: Incident, commander: Actor, ben: Any, now: datetime
) -> None:
    entry = record_decision(
        incident=incident,
        text="We do not fail over.",
        why="The replica is behind by minutes.",
        is_negative=True,
        agreed_by=[ben],
        actor=commander,
        now=now,
    )

    assert sentence(entry) == "Decision not to by Cora Commander, agreed by Ben Responder"
    assert entry.data["why"] == "The replica is behind by minutes."


def test_metrics_missing_and_negative(
    at_status: Callable[..., Incident], declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = at_status("MITIGATED")
    set_milestone(incident=incident, key="impact_started", at=now - timedelta(minutes=5), actor=commander, now=now)
    set_milestone(incident=incident, key="detected", at=now - timedelta(minutes=9), actor=commander, now=now)
    states = {each.key: (each.state, each.seconds) for each in read_story(incident=incident).metrics}

    assert states["time_to_detect"] == (State.INVALID, None)
    assert states["time_to_declare"] == (State.OK, 540)
    assert states["time_to_command"] == (State.PENDING, None)
    assert states["time_to_resolve"] == (State.PENDING, None)
    assert states["time_unresolved"] == (State.PENDING, None)
    assert states["time_of_impact"] == (State.PENDING, None)
    practice = {each.state for each in read_story(incident=declare(kind="PRACTICE")).metrics}
    canceled = {each.state for each in read_story(incident=at_status("CANCELED")).metrics}
    assert practice == canceled == {State.EXCLUDED}
    over = {each.key: each.state for each in read_story(incident=at_status("RESOLVED")).metrics}
    assert over["time_to_detect"] == State.MISSING
    assert over["time_to_command"] == State.MISSING
    assert over["time_to_resolve"] == State.OK


def test_an_earlier_assertion_stays_and_changing_it_needs_a_reason(
    incident: Incident, commander: Actor, now: datetime
) -> None:
    set_milestone(incident=incident, key="detected", at=now - timedelta(minutes=5), actor=commander, now=now)
    with pytest.raises(Invalid):
        set_milestone(incident=incident, key="detected", at=now - timedelta(minutes=7), actor=commander, now=now)
    set_milestone(
        incident=incident,
        key="detected",
        at=now - timedelta(minutes=7),
        reason="The probe's log.",
        actor=commander,
        now=now,
    )

    assert incident.detected_at == now - timedelta(minutes=7)
    assert Milestone.objects.filter(incident=incident).count() == 2
    with pytest.raises(DatabaseError), transaction.atomic():
        Milestone.objects.update(at=now)
