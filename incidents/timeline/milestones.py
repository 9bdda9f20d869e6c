"""The verb that asserts when something happened. What was asserted before stays; the newest counts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind, MilestoneKey
from incidents.models.history import Milestone
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints, check_moment
from incidents.record.writer import Entry, lock, touch, write

_COLUMNS = {
    MilestoneKey.IMPACT_STARTED: "impact_started_at",
    MilestoneKey.DETECTED: "detected_at",
    MilestoneKey.IMPACT_ENDED: "impact_ended_at",
}


def set_milestone(
    *, incident: Incident, key: str, at: datetime, actor: Actor, now: datetime, reason: str = ""
) -> Milestone:
    """Assert that `key` happened `at`. Metrics follow; an interval that runs backwards is shown as invalid.

    Changing an earlier assertion needs a reason.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    complaints.choice("key", key, MilestoneKey)
    check_moment(complaints, "at", at, now)
    why = complaints.text("reason", reason)
    before = Milestone.objects.filter(incident=incident, key=key).order_by("-recorded_at", "-id").first()
    if before is not None and not why:
        complaints.add("reason", "Say why the time differs from the one stated before.")
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        row = Milestone.objects.create(
            tenant_id=locked.tenant_id,
            incident=locked,
            key=key,
            at=at,
            reason=why,
            asserted_by=actor.ref,
            asserted_by_name=actor.name,
            recorded_at=now,
        )
        data = {"key": key, "to": rfc3339(at), "from": rfc3339(before.at) if before else ""}
        entry = Entry(EventKind.MILESTONE_SET, why, data)
        write(incident=locked, action="milestone.set", entries=[entry], actor=actor, now=now, body=data)
        column = _COLUMNS.get(MilestoneKey(key))
        touch(locked, **({column: at} if column else {}))
    incident.refresh_from_db()
    return row
