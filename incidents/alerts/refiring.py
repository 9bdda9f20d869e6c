"""Verbs on what alerts say besides that they fired or ended: that one still fires, or that some were left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from conductor.engine.lifecycle.starting import start_run
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind, Status
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.writer import Entry, lock
from incidents.timeline.lifecycle import append

STILL_FIRING_WORKFLOW = "incidents.still_firing"


def record_still_firing(
    *, incident: Incident, alert: Mapping[str, str], actor: Actor, now: datetime
) -> TimelineEvent | None:
    """Append that an alert still fires although somebody resolved the incident, and have its commander notified.

    Once for each alert and resolution, with one notice for all of them; else, and where the incident is not resolved,
    return None. The incident keeps its status: a person reopens it.
    """
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        if locked.status != Status.RESOLVED:
            return None
        resolution = StatusTransition.objects.filter(incident=locked).order_by("-seq").values_list("seq", flat=True)[0]
        said = TimelineEvent.objects.filter(
            incident=locked, kind=EventKind.ALERT_STILL_FIRING, data__resolution=resolution
        )
        same = {"data__fingerprint": alert["fingerprint"], "data__starts_at": alert["starts_at"]}
        if said.filter(**same).exists():
            return None
        data = {**{key: value for key, value in alert.items() if key != "summary"}, "resolution": resolution}
        is_first = not said.exists()
        event = append(locked, Entry(EventKind.ALERT_STILL_FIRING, data=data), "alert.still_firing", actor, now, data)
        if is_first:
            start_run(
                tenant_id=locked.tenant_id,
                workflow=STILL_FIRING_WORKFLOW,
                input={"incident_id": str(locked.id), "entry": event.seq},
                actor=actor,
                now=now,
                subject=locked.ref,
                environment_id=locked.environment_id,
                dedup_key=f"{locked.id}:still_firing:{resolution}",
            )
    return event


def record_left_out(*, incident: Incident, left_out: int, actor: Actor, now: datetime) -> TimelineEvent:
    """Append how many alerts of a notification could not be taken in: more than are read, or left out by the sender."""
    require(actor=actor, permission="respond")
    data = {"left_out": left_out}
    with transaction.atomic():
        return append(lock(incident), Entry(EventKind.ALERTS_LEFT_OUT, data=data), "alert.left_out", actor, now, data)
