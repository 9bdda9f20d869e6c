"""The verb that corrects an entry and changes nothing of it: the correction supersedes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.record.input_cleaning import Complaints, check_moment
from incidents.record.writer import Entry, lock
from incidents.timeline.lifecycle import append
from incidents.timeline.redactions import RedactedAlready

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
