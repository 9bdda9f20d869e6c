"""Events that Slack pushes: marks on messages, their edits and deletions, channels, App Home, the end of an install."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings

from chatops.commands import lookup
from chatops.commands.tokens import clean, plain
from chatops.models.channel import CapturedMessage, IncidentChannel
from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import Lane
from chatops.slack import selectors
from chatops.slack.actions import message_capture, message_lookup
from chatops.slack.channels.lifecycle import close_channel, reopen_channel, tell_of_captured
from chatops.slack.lifecycle import Outcome
from chatops.slack.outbound.lifecycle import Say, enqueue
from chatops.slack.render import panel
from chatops.slack.workspace.lifecycle import revoke_workspace
from chatops.slack.workspace.slack_user import Speaker, speaker_of
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from incidents.models.choices import EventKind

log = structlog.get_logger("chatops.slack.actions.events")

MARKS = {"pushpin": "pin", "stopwatch": "stopwatch", "mega": "mega"}
"""Emoji that put a message on the timeline. Skin tones and other emoji do not."""
State = IncidentChannel.State
_SYSTEM = Actor.system(channel="slack")


@dataclass(frozen=True)
class Event:
    """One event, and whose workspace it is of."""

    receipt: SlackReceipt
    speaker: Speaker
    body: Mapping[str, Any]
    now: datetime

    @property
    def key(self) -> str:
        """Slack's id of the event: whatever it leads to is told once."""
        return str(self.receipt.payload.get("event_id", self.receipt.dedupe_key))

    @property
    def is_from_outside(self) -> bool:
        """Whether the channel is shared with another organisation."""
        return bool(self.receipt.payload.get("is_ext_shared_channel"))


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Do what follows from the event. Runs in a worker: Slack was answered when the event was stored."""
    body: Mapping[str, Any] = receipt.payload.get("event") or {}
    handler = _HANDLERS.get(str(body.get("type")))
    if handler is not None:
        speaker = speaker_of(receipt, command=settings.SLACK_COMMAND, now=now)
        try:
            handler(Event(receipt, speaker, body, now))
        except Refused as refused:
            log.info("event refused", action="chatops.event_refused", kind=body.get("type"), code=refused.code)
    return Outcome({})


def _home_opened(event: Event) -> None:
    if event.body.get("tab", "home") != "home":
        return
    user = event.speaker.member.user if event.speaker.member else None
    view = panel.home_view(tenant=event.speaker.tenant, user=user, command=event.speaker.command, now=event.now)
    slack_user = event.receipt.slack_user_id
    say = Say(
        "views.publish",
        {"user_id": slack_user, "view": view},
        lane=Lane.DIGEST,
        coalesce_key=f"home:{event.receipt.team_id}:{slack_user}",
    )
    _queue(event, say)


def _message(event: Event) -> None:
    subtype = event.body.get("subtype")
    if subtype == "message_changed":
        _edited(event)
    elif subtype == "message_deleted":
        _told(event, str(event.body.get("deleted_ts", "")), EventKind.MESSAGE_DELETED, key=f"{event.key}:deleted")


def _edited(event: Event) -> None:
    message = event.body.get("message") or {}
    before = (event.body.get("previous_message") or {}).get("text")
    text = clean(plain(str(message.get("text") or "")))
    # Slack says "changed" when it merely unfurls a link.
    if message.get("text") != before:
        _told(event, str(message.get("ts", "")), EventKind.MESSAGE_EDITED, key=f"{event.key}:edited", text=text)


def _told(event: Event, ts: str, kind: EventKind, *, key: str, text: str = "", actor: Actor = _SYSTEM) -> None:
    found = CapturedMessage.objects.select_related("incident").filter(
        team_id=event.receipt.team_id, channel_id=channel_of(event.body), ts=ts
    )
    if captured := found.first():
        tell_of_captured(captured=captured, kind=kind, key=key, text=text, actor=actor, now=event.now)


def _reaction_added(event: Event) -> None:
    mark, item = MARKS.get(str(event.body.get("reaction"))), event.body.get("item") or {}
    if mark and item.get("type") == "message":
        _capture(event, {"ts": item.get("ts"), "user": event.body.get("item_user")}, mark)


def _reaction_removed(event: Event) -> None:
    item = event.body.get("item") or {}
    if MARKS.get(str(event.body.get("reaction"))):
        _told(event, str(item.get("ts", "")), EventKind.MESSAGE_UNPINNED, key=event.key, actor=_actor(event))


def _pin_added(event: Event) -> None:
    item = event.body.get("item") or {}
    if item.get("type", "message") == "message" and item.get("message"):
        _capture(event, item["message"], "pin")


def _pin_removed(event: Event) -> None:
    message = (event.body.get("item") or {}).get("message") or {}
    _told(event, str(message.get("ts", "")), EventKind.MESSAGE_UNPINNED, key=event.key, actor=_actor(event))


def _capture(event: Event, message: Mapping[str, Any], mark: str) -> None:
    """Put the message on the timeline of the channel's incident, if a member marked it and the channel is our own."""
    team, channel_id = event.receipt.team_id, channel_of(event.body)
    channel = lookup.channel_at(team_id=team, channel_id=channel_id)
    if channel is None or event.speaker.member is None:
        return
    if event.is_from_outside:
        _close_shared(event, channel)
        return
    whole = (
        message if "text" in message else message_lookup.message(event.speaker, channel_id, str(message.get("ts", "")))
    )
    if whole is None:
        log.warning("message not found", action="chatops.capture_missed", channel=channel_id, ts=message.get("ts"))
        return
    marked = message_capture.marked_from(
        {**whole, "user": whole.get("user") or message.get("user")},
        team_id=team,
        channel_id=channel_id,
        channel_name=channel.name,
        permalink=str(whole.get("permalink", "")),
    )
    actor = event.speaker.member.actor
    message_capture.capture(marked, incident=channel.incident, mark=mark, actor=actor, now=event.now)


def _shared(event: Event) -> None:
    if channel := _own_channel(event):
        _close_shared(event, channel)


def _close_shared(event: Event, channel: IncidentChannel) -> None:
    """Stop posting to a channel that outsiders read, tell it on the timeline and to who runs the incident."""
    closed = close_channel(channel=channel, state=State.SHARED, actor=_SYSTEM, now=event.now, key=f"shared:{event.key}")
    if not closed:
        return
    text = f"#{channel.name} of {channel.incident.code} was shared with people outside. Conductor posts nothing there."
    for slack_user in selectors.slack_users_of_roles(channel=channel):
        message = {"channel": slack_user, "text": text}
        _queue(event, Say("chat.postMessage", message, lane=Lane.PAGE, channel_id=slack_user))


def _unshared(event: Event) -> None:
    if channel := _own_channel(event):
        reopen_channel(channel=channel)


def _archived(event: Event) -> None:
    if channel := _own_channel(event):
        close_channel(channel=channel, state=State.ARCHIVED, actor=_SYSTEM, now=event.now)


def _gone(event: Event) -> None:
    """The workspace removed the app, or took the bot's token back."""
    kind = str(event.body.get("type"))
    only_people = kind == "tokens_revoked" and not (event.body.get("tokens") or {}).get("bot")
    if event.speaker.installation is not None and not only_people:
        revoke_workspace(installation=event.speaker.installation, actor=_SYSTEM, now=event.now, why=kind)


def _own_channel(event: Event) -> IncidentChannel | None:
    return lookup.channel_at(team_id=event.receipt.team_id, channel_id=channel_of(event.body))


def _actor(event: Event) -> Actor:
    return event.speaker.member.actor if event.speaker.member else _SYSTEM


def channel_of(body: Mapping[str, Any]) -> str:
    """Return the id of the channel that an event is about; empty if it is about none."""
    channel = body.get("channel") or body.get("channel_id") or (body.get("item") or {}).get("channel") or ""
    return str(channel.get("id", "") if isinstance(channel, Mapping) else channel)


def _queue(event: Event, say: Say) -> None:
    enqueue(tenant_id=event.receipt.tenant_id, team_id=event.receipt.team_id, say=say, now=event.now)


_HANDLERS: dict[str, Callable[[Event], None]] = {
    "app_home_opened": _home_opened,
    "message": _message,
    "reaction_added": _reaction_added,
    "reaction_removed": _reaction_removed,
    "pin_added": _pin_added,
    "pin_removed": _pin_removed,
    "channel_shared": _shared,
    "channel_unshared": _unshared,
    "channel_archive": _archived,
    "group_archive": _archived,
    "channel_unarchive": _unshared,
    "group_unarchive": _unshared,
    "app_uninstalled": _gone,
    "tokens_revoked": _gone,
}
"""Event to what follows from it. docs/reference/slack-commands.md lists them."""

EVENTS = tuple(sorted(_HANDLERS))
