"""What a workspace holds: people, channels, messages, views, and the triggers that it has issued."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

TRIGGER_SECONDS = 3
_counter = itertools.count(1)


class SlackError(Exception):
    """Slack's `ok: false`, by its error code."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error, self.more = error, more


@dataclass
class Message:
    ts: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str = ""
    pinned: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edits: int = 0


@dataclass
class Channel:
    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    is_org_shared: bool = False
    topic: str = ""
    members: set[str] = field(default_factory=set)
    messages: dict[str, Message] = field(default_factory=dict)
    ephemeral: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def latest(self) -> Message:
        """Return the message that was posted last."""
        return list(self.messages.values())[-1]


@dataclass
class Workspace:
    """One workspace in which the app is installed."""

    team_id: str
    token: str
    bot_user_id: str = "U0BOT"
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    modals: list[dict[str, Any]] = field(default_factory=list)
    """The views that were opened, each with `id`, `hash` and `user`."""
    groups: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """User groups by id: handle, and who is in it."""
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    responses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was posted to response URLs, with the URL's path."""
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    revoked: bool = False

    def trigger(self, user: str, *, age: float = 0) -> str:
        """Issue a trigger as a command or a button carries it: good once, for three seconds."""
        trigger = f"{next(_counter)}.{self.team_id}.{int(time.time())}"
        self.triggers[trigger] = (user, time.monotonic() - age)
        return trigger

    def spend(self, trigger: str) -> str:
        """Use the trigger up and return whose it was; refuse one that is unknown, used or old."""
        if trigger in self.spent:
            raise SlackError("exchanged_trigger_id")
        if trigger not in self.triggers:
            raise SlackError("invalid_trigger_id")
        user, issued = self.triggers[trigger]
        if time.monotonic() - issued > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        self.spent.add(trigger)
        return user

    def channel(self, given: str) -> Channel:
        """Return the channel with this id or name; a user's id means the conversation with them."""
        if given in self.users and given not in self.channels:
            self.channels[given] = Channel(given, f"dm-{given}", is_private=True, members={given, self.bot_user_id})
        for channel in self.channels.values():
            if given in {channel.id, channel.name, f"#{channel.name}"}:
                return channel
        raise SlackError("channel_not_found")

    def add_channel(self, name: str, *, channel_id: str = "", **more: Any) -> Channel:
        """Make a channel with the bot in it."""
        channel = Channel(channel_id or f"C0{next(_counter):06d}", name, members={self.bot_user_id}, **more)
        self.channels[channel.id] = channel
        return channel

    def say(self, channel: str, user: str, text: str) -> Message:
        """Have a person write a message, as the workspace's state only: the event is the test's to send."""
        message = Message(new_ts(), user, text)
        self.channels[channel].messages[message.ts] = message
        return message


def new_ts() -> str:
    """Return a timestamp that no other message has."""
    return f"{int(time.time())}.{next(_counter):06d}"
