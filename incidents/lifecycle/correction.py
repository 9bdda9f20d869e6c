"""Verbs that mend a timeline and change nothing of it: corrections supersede, redactions keep the proof."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, require
from incidents.lifecycle.timeline import append
from incidents.lifecycle.words import Complaints, check_moment
from incidents.lifecycle.writing import Entry, lock, touch, write
from incidents.models import EventKind, Redaction, TimelineEvent

CORRECTABLE = (
    EventKind.UPDATE_POSTED,
    EventKind.NOTE_ADDED,
    EventKind.DECISION_RECORDED,
    EventKind.ENTRY_CORRECTED,
    EventKind.DECLARED,
)


class NotCorrectable(Conflict):
    """Only what people wrote can be corrected. Add a note, or set the milestone, instead."""

    code = "entry_not_correctable"


class CorrectedAlready(Conflict):
    """This entry was corrected already. Correct the correction."""

    code = "entry_corrected_already"


class RedactedAlready(Conflict):
    """This entry is redacted, or somebody has asked for it already."""

    code = "entry_redacted_already"


class ApproverIsRequester(Conflict):
    """Whoever asks for a redaction cannot approve it."""

    code = "redaction_needs_another_person"


def correct_entry(
    *, event: TimelineEvent, text: str, reason: str, actor: Actor, now: datetime, occurred_at: datetime | None = None
) -> TimelineEvent:
    """Append a correction that supersedes the entry; what was written first stays readable.

    `occurred_at` corrects when it happened. Raise CorrectedAlready, NotCorrectable or RedactedAlready.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    said, why = complaints.text("text", text, required=True), complaints.text("reason", reason, required=True)
    check_moment(complaints, "occurred_at", occurred_at, now)
    complaints.refuse()
    if event.kind not in CORRECTABLE:
        raise NotCorrectable
    with transaction.atomic():
        locked = lock(event.incident)
        event.refresh_from_db()
        if event.redacted_at is not None:
            raise RedactedAlready
        if TimelineEvent.objects.filter(incident=locked, supersedes=event).exists():
            raise CorrectedAlready
        entry = Entry(
            EventKind.ENTRY_CORRECTED,
            said,
            {"seq": event.seq, "reason": why},
            occurred_at or event.occurred_at,
            supersedes=event.id,
        )
        return append(locked, entry, "entry.corrected", actor, now, {"seq": event.seq})


def request_redaction(
    *,
    event: TimelineEvent,
    reason: str,
    legal_basis: str,
    actor: Actor,
    now: datetime,
    drops_data: bool = False,
) -> Redaction:
    """Ask that the entry's text is dropped, with its facts if `drops_data`. Somebody else approves."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    basis = complaints.line("legal_basis", legal_basis, required=True)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(event.incident)
        if Redaction.objects.filter(event=event).exists():
            raise RedactedAlready
        redaction = Redaction.objects.create(
            tenant_id=locked.tenant_id,
            event=event,
            reason=why,
            legal_basis=basis,
            drops_data=drops_data,
            requested_by=actor.ref,
            requested_by_name=actor.name,
            requested_at=now,
        )
        data = {"seq": event.seq, "legal_basis": basis}
        entry = Entry(EventKind.REDACTION_REQUESTED, why, data)
        write(incident=locked, action="entry.redaction_requested", entries=[entry], actor=actor, now=now, body=data)
        touch(locked)
    return redaction


def approve_redaction(*, redaction: Redaction, actor: Actor, now: datetime) -> TimelineEvent:
    """Drop the words for good, keeping the digests that the chain and the receipts rest on. Return the entry.

    Needs "command", and another person than who asked. Approved already: nothing happens.
    """
    require(actor=actor, permission="command")
    if actor.ref == redaction.requested_by:
        raise ApproverIsRequester
    event = redaction.event
    with transaction.atomic():
        locked = lock(event.incident)
        approved = Redaction.objects.filter(id=redaction.id, approved_at=None)
        if approved.update(approved_by=actor.ref, approved_by_name=actor.name, approved_at=now):
            dropped = {"data": {}, "data_salt": ""} if redaction.drops_data else {}
            TimelineEvent.objects.filter(id=event.id).update(body="", body_salt="", redacted_at=now, **dropped)
            data = {"seq": event.seq, "legal_basis": redaction.legal_basis, "asked_by": redaction.requested_by_name}
            entry = Entry(EventKind.ENTRY_REDACTED, redaction.reason, data)
            write(incident=locked, action="entry.redacted", entries=[entry], actor=actor, now=now, body=data)
            touch(locked)
    event.refresh_from_db()
    return event
