"""A marked message's words: from the event that brought it, else from Slack, one message by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatops.models.inbound_request import SlackReceipt
from chatops.slack.outbound.client import SlackFailed, call
from chatops.slack.workspace.credentials import SecretUnavailable, bot_token
from chatops.slack.workspace.slack_user import Speaker

TIMEOUT_SECONDS = 5


def message(speaker: Speaker, channel_id: str, ts: str) -> Mapping[str, Any] | None:
    """Return the message as Slack's payloads carry it, or None if it cannot be had. Needs the tenant's scope.

    Asking Slack is the exception, for a message from before the bot was there or whose words are forgotten: unlisted
    apps may ask once a minute.
    """
    brought = SlackReceipt.objects.filter(
        channel_id=channel_id, message_ts=ts, team_id=speaker.receipt.team_id, words_forgotten_at=None
    )
    if found := brought.order_by("-received_at").first():
        event: Mapping[str, Any] = found.payload.get("event") or {}
        return event
    if speaker.installation is None or not speaker.installation.has_token:
        return None
    arguments = {"channel": channel_id, "latest": ts, "oldest": ts, "inclusive": True, "limit": 1}
    try:
        token = bot_token(speaker.installation)
        answer = call(token=token, method="conversations.history", arguments=arguments, timeout_seconds=TIMEOUT_SECONDS)
    except (SlackFailed, SecretUnavailable):
        return None
    messages = answer.get("messages") or [None]
    return messages[0] if messages[0] and messages[0].get("ts") == ts else None
