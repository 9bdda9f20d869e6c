"""Verbs on an incident's channel and on the messages that were captured from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from chatops.models.channel import CapturedMessage, IncidentChannel
from chatops.models.outbox import OutboxMessage
from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.timeline.chat import record_chat

State = IncidentChannel.State


class ChannelShared(Conflict):
    """This channel is shared with people outside of your organisation, so no incident may be worked on in it."""

    code = "channel_shared"


class ChannelInUse(Conflict):
    """This channel belongs to another incident, or the incident has a channel already."""

    code = "channel_in_use"


def plan_channel(*, incident: Incident, team_id: str, name: str, now: datetime) -> tuple[IncidentChannel, bool]:
    """Return the incident's channel and whether it was planned just now; Slack is asked to make it afterwards."""
    return IncidentChannel.objects.get_or_create(
        tenant_id=incident.tenant_id,
        incident=incident,
        defaults={"team_id": team_id, "name": name[:80], "created_at": now},
    )


def open_channel(*, channel: IncidentChannel, channel_id: str, name: str, actor: Actor, now: datetime) -> bool:
    """Note that Slack has made it, on the incident's timeline as well; False if that was noted before."""
    with transaction.atomic():
        waiting = IncidentChannel.objects.filter(id=channel.id, channel_id="")
        if not waiting.update(channel_id=channel_id, name=name[:80], state=State.OPEN, opened_at=now):
            return False
        channel.refresh_from_db()
        _tell(channel, EventKind.CHANNEL_OPENED, f"opened:{channel_id}", actor, now)
    return True


def use_channel(
    *,
    incident: Incident,
    team_id: str,
    channel_id: str,
    name: str,
    is_shared: bool,
    actor: Actor,
    now: datetime,
) -> IncidentChannel:
    """Work on the incident in a channel that exists. Raise ChannelShared or ChannelInUse; nothing is told then."""
    require(actor=actor, permission="respond")
    if is_shared:
        raise ChannelShared
    try:
        with transaction.atomic():
            channel = IncidentChannel.objects.create(
                tenant_id=incident.tenant_id,
                incident=incident,
                team_id=team_id,
                channel_id=channel_id,
                name=name[:80],
                state=State.OPEN,
                created_at=now,
                opened_at=now,
            )
            _tell(channel, EventKind.CHANNEL_OPENED, f"opened:{channel_id}", actor, now)
    except IntegrityError as error:
        raise ChannelInUse from error
    return channel


def close_channel(*, channel: IncidentChannel, state: str, actor: Actor, now: datetime, key: str = "") -> bool:
    """Stop posting there, as it is shared, archived or could not be made; False if that was so already.

    What waits to be said there is given up. Sharing with outsiders is told on the timeline, under `key`.
    """
    with transaction.atomic():
        if not IncidentChannel.objects.filter(id=channel.id).exclude(state=state).update(state=state):
            return False
        waiting = OutboxMessage.objects.filter(team_id=channel.team_id, channel_id=channel.channel_id)
        waiting.filter(state=OutboxMessage.State.PENDING).exclude(channel_id="").update(
            state=OutboxMessage.State.DEAD, error=f"the channel is {State(state).label.lower()}", coalesce_key=""
        )
        if state == State.SHARED:
            _tell(channel, EventKind.CHANNEL_SHARED, key, actor, now)
    channel.refresh_from_db()
    return True


def reopen_channel(*, channel: IncidentChannel) -> bool:
    """Post there again, the headline first: it is no longer shared, or was brought back from the archive."""
    closed = IncidentChannel.objects.filter(id=channel.id, state__in=[State.SHARED, State.ARCHIVED])
    return closed.exclude(channel_id="").update(state=State.OPEN, headline_digest="") == 1


def note_headline(*, channel: IncidentChannel, **changes: str) -> None:
    """Remember which message is the headline (`headline_ts`), or which text was queued (`headline_digest`)."""
    IncidentChannel.objects.filter(id=channel.id).update(**changes)


def capture_message(
    *,
    incident: Incident,
    team_id: str,
    channel_id: str,
    channel_name: str,
    ts: str,
    text: str,
    author_name: str,
    mark: str,
    actor: Actor,
    now: datetime,
    occurred_at: datetime,
    permalink: str = "",
    files: list[dict[str, Any]] | None = None,
) -> CapturedMessage | None:
    """Put the message on the timeline in its author's words; None if it stands there already."""
    require(actor=actor, permission="respond")
    key = f"{team_id}:{channel_id}:{ts}"
    with transaction.atomic():
        captured, is_new = CapturedMessage.objects.get_or_create(
            tenant_id=incident.tenant_id,
            team_id=team_id,
            channel_id=channel_id,
            ts=ts,
            defaults={
                "incident": incident,
                "channel_name": channel_name[:80],
                "author_name": author_name[:200],
                "text_digest": sha256_hex(text.encode()),
                "captured_at": now,
            },
        )
        if not is_new:
            return None
        facts = {
            "author": author_name,
            "channel": f"#{channel_name}",
            "ts": ts,
            "permalink": permalink,
            "mark": mark,
            "text_digest": captured.text_digest,
            "files": files or [],
        }
        record_chat(
            incident=incident,
            kind=EventKind.MESSAGE_CAPTURED,
            key=key,
            text=text,
            data=facts,
            occurred_at=occurred_at,
            actor=actor,
            now=now,
        )
    return captured


def tell_of_captured(
    *, captured: CapturedMessage, kind: EventKind, key: str, actor: Actor, now: datetime, text: str = ""
) -> bool:
    """Tell on the timeline that a captured message was edited, deleted or unmarked; False if that was told before."""
    facts = {
        "author": captured.author_name,
        "channel": f"#{captured.channel_name}",
        "ts": captured.ts,
        "text_digest": sha256_hex(text.encode()) if text else "",
    }
    told = record_chat(incident=captured.incident, kind=kind, key=key, text=text, data=facts, actor=actor, now=now)
    return told is not None


def _tell(channel: IncidentChannel, kind: EventKind, key: str, actor: Actor, now: datetime) -> None:
    facts = {"channel": f"#{channel.name}", "channel_id": channel.channel_id, "team": channel.team_id}
    record_chat(incident=channel.incident, kind=kind, key=key, data=facts, actor=actor, now=now)
