"""Verbs that add to an incident's timeline and change nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from conductor.lib.clock import rfc3339
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.models import Membership
from incidents.models.choices import Audience, EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints, check_moment
from incidents.record.writer import Entry, last_seq, lock, touch, write

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_AHEAD = timedelta(days=1)
"""No update is promised for later than this."""
LINKED = (EventKind.RUN_FINISHED, EventKind.EVIDENCE_ATTACHED)


def post_update(
    *,
    incident: Incident,
    text: str,
    actor: Actor,
    now: datetime,
    audience: str = Audience.INTERNAL,
    next_update_in: timedelta | None = None,
) -> TimelineEvent:
    """Append what a responder has to say. Also after the incident is resolved.

    `next_update_in` promises when the next one comes, up to a day ahead, in place of the cadence.
    """
    complaints = Complaints()
    complaints.choice("audience", audience, Audience)
    data: dict[str, Any] = {"audience": audience} if audience != Audience.INTERNAL else {}
    if next_update_in is not None:
        if not timedelta(minutes=1) <= next_update_in <= MOST_AHEAD:
            complaints.add("next_update_in", "Promise the next update between a minute and a day ahead.")
        data["next_at"] = rfc3339(now + next_update_in)
    complaints.refuse()
    return _say(incident, EventKind.UPDATE_POSTED, "update.posted", text, data, actor, now)


def record_missed_update(
    *,
    incident: Incident,
    due_at: datetime,
    miss: int,
    escalated_to: str,
    actor: Actor,
    now: datetime,
    vacant: Sequence[str] = (),
) -> TimelineEvent | None:
    """Append that no update came by `due_at`; return None where that is said already. `miss` counts the silence's.

    `escalated_to` says who is told, and `vacant` which roles were passed over because nobody holds them.
    """
    require(actor=actor, permission="respond")
    data: dict[str, Any] = {"due_at": rfc3339(due_at), "miss": miss, "escalated_to": escalated_to}
    data |= {"vacant": list(vacant)} if vacant else {}
    with transaction.atomic():
        locked = lock(incident)
        said = TimelineEvent.objects.filter(incident=locked, kind=EventKind.UPDATE_MISSED)
        if said.filter(data__due_at=data["due_at"]).exists():
            return None
        entry = Entry(EventKind.UPDATE_MISSED, data=data, occurred_at=due_at)
        return append(locked, entry, "update.missed", actor, now, data)


def add_note(
    *, incident: Incident, text: str, actor: Actor, now: datetime, occurred_at: datetime | None = None
) -> TimelineEvent:
    """Append what somebody observed, and when it happened if that was earlier. Raise Invalid for the future."""
    return _say(incident, EventKind.NOTE_ADDED, "note.added", text, {}, actor, now, occurred_at)


def record_decision(
    *,
    incident: Incident,
    text: str,
    actor: Actor,
    now: datetime,
    agreed_by: Iterable[User] = (),
    why: str = "",
    is_negative: bool = False,
) -> TimelineEvent:
    """Append a decision: what, why, and which members agreed. Raise Invalid for a stranger.

    `is_negative` marks a decision not to: not to fail over, not to report. Those are asked about later.
    """
    people = list(agreed_by)
    members = set(Membership.objects.filter(user__in=people).values_list("user_id", flat=True))
    strangers = [display_name(user) for user in people if user.pk not in members]
    complaints = Complaints()
    reason = complaints.text("why", why)
    for name in strangers:
        complaints.add("agreed_by", f"{name} is not a member of your organisation.")
    complaints.refuse()
    data: dict[str, Any] = {
        "agreed_by": [{"ref": ref("tenancy.user", user.pk), "name": display_name(user)} for user in people]
    }
    data |= {"why": reason} if reason else {}
    data |= {"negative": True} if is_negative else {}
    return _say(incident, EventKind.DECISION_RECORDED, "decision.recorded", text, data, actor, now)


def record_alert(
    *, incident: Incident, is_firing: bool, alert: Mapping[str, str], occurred_at: datetime, actor: Actor, now: datetime
) -> TimelineEvent | None:
    """Append that an alert fired or ended, as `alert` describes it (name, fingerprint, starts_at, summary, …).

    Return None where the timeline holds it already: the same fingerprint, start and state. An alert never moves
    the incident's status; a person does.
    """
    require(actor=actor, permission="respond")
    kind = EventKind.ALERT_FIRED if is_firing else EventKind.ALERT_RESOLVED
    action = "alert.fired" if is_firing else "alert.resolved"
    same = {"data__fingerprint": alert["fingerprint"], "data__starts_at": alert["starts_at"]}
    with transaction.atomic():
        locked = lock(incident)
        if TimelineEvent.objects.filter(incident=locked, kind=kind, **same).exists():
            return None
        data = {key: value for key, value in alert.items() if key != "summary"}
        entry = Entry(kind, alert.get("summary", ""), data, occurred_at)
        return append(locked, entry, action, actor, now, data)


def record_link(
    *, incident: Incident, kind: str, target: Ref, name: str, actor: Actor, now: datetime, text: str = ""
) -> TimelineEvent | None:
    """Append that a run finished or evidence was attached; return None where the timeline says so of `target` already.

    For steps and apps above this one: `kind` is one of LINKED.
    """
    if kind not in LINKED:
        raise ValueError(f"{kind} does not link")
    with transaction.atomic():
        locked = lock(incident)
        if TimelineEvent.objects.filter(incident=locked, kind=kind, data__ref=target).exists():
            return None
        entry = Entry(EventKind(kind), text, {"ref": target, "name": name})
        return append(locked, entry, kind, actor, now, entry.data, links=[target])


def record_notices(
    *, incident: Incident, event: str, sent: int, failed: int, key: str, actor: Actor, now: datetime
) -> TimelineEvent | None:
    """Append how many notices went out; return None when `key` has been recorded already."""
    with transaction.atomic():
        locked = lock(incident)
        if TimelineEvent.objects.filter(incident=locked, kind=EventKind.NOTICE_SENT, data__key=key).exists():
            return None
        data = {"event": event, "sent": sent, "failed": failed, "key": key}
        return append(locked, Entry(EventKind.NOTICE_SENT, data=data), "notice.sent", actor, now, data)


def _say(
    incident: Incident,
    kind: EventKind,
    action: str,
    text: str,
    data: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    occurred_at: datetime | None = None,
) -> TimelineEvent:
    require(actor=actor, permission="respond")
    complaints = Complaints()
    body = complaints.text("text", text, required=True)
    check_moment(complaints, "occurred_at", occurred_at, now)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        event = append(locked, Entry(kind, body, data, occurred_at), action, actor, now, {})
    incident.refresh_from_db()
    return event


def append(
    locked: Incident,
    entry: Entry,
    action: str,
    actor: Actor,
    now: datetime,
    body: Mapping[str, Any],
    links: Iterable[Ref] = (),
) -> TimelineEvent:
    """Write the entry with its receipt and return it. Needs the incident's row lock."""
    write(incident=locked, action=action, entries=[entry], actor=actor, now=now, body=body, links=links)
    touch(locked)
    return TimelineEvent.objects.get(incident=locked, seq=last_seq(locked))
