"""The verb that puts what happened in a chat on an incident's timeline. It knows no chat system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.writer import Entry, lock
from incidents.timeline.lifecycle import append

CHAT_KINDS = (
    EventKind.CHANNEL_OPENED,
    EventKind.CHANNEL_SHARED,
    EventKind.MESSAGE_CAPTURED,
    EventKind.MESSAGE_EDITED,
    EventKind.MESSAGE_DELETED,
    EventKind.MESSAGE_UNPINNED,
    EventKind.RECONSTRUCTED,
)
BODY_CHARACTERS = 10_000


def record_chat(
    *,
    incident: Incident,
    kind: EventKind,
    key: str,
    actor: Actor,
    now: datetime,
    text: str = "",
    data: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
) -> TimelineEvent | None:
    """Append what happened in the chat; return None where the timeline holds an entry with this `key` already.

    `text` is somebody's own words, cut to 10,000 characters. What was captured before is never changed: an edit and a
    deletion are entries of their own. `kind` is one of CHAT_KINDS.
    """
    if kind not in CHAT_KINDS:
        raise ValueError(f"{kind} does not come from a chat")
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        if TimelineEvent.objects.filter(incident=locked, kind=kind, data__key=key).exists():
            return None
        facts = {**(data or {}), "key": key}
        entry = Entry(kind, text[:BODY_CHARACTERS], facts, occurred_at)
        return append(locked, entry, str(kind), actor, now, {**facts, "text": entry.body})
