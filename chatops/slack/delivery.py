"""Makes the calls that wait in the outbox: first lanes first, one a second per channel, never before Slack is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from chatops.models.outbox import OutboxMessage
from chatops.models.workspace import SlackInstallation
from chatops.slack.channels import sync
from chatops.slack.outbound.client import TOKEN_GONE, SlackFailed, call
from chatops.slack.outbound.lifecycle import note_failed, note_limited, note_sent, take_next
from chatops.slack.outbound.response_url import NotDelivered, post_answer
from chatops.slack.workspace.credentials import SecretUnavailable, bot_token
from chatops.slack.workspace.lifecycle import revoke_workspace
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope

log = structlog.get_logger("chatops.slack.delivery")

DONE_ALREADY = frozenset({"already_in_channel", "already_pinned", "already_reacted", "cant_invite_self"})
"""Refusals that say: it is as you want it."""
OURS_ALONE = frozenset({"tried"})
"""Arguments that are notes to ourselves."""

FOLLOW_UPS: dict[str, Callable[[OutboxMessage, Mapping[str, Any], datetime], None]] = {
    "channel_created": sync.channel_created,
    "headline_posted": sync.headline_posted,
}
ON_FAILURE: dict[str, Callable[[OutboxMessage, str, datetime], bool]] = {
    "channel_created": sync.channel_failed,
}


def send_due(*, tenant_id: UUID, clock: Callable[[], datetime], limit: int = 50) -> int:
    """Make the calls whose turn it is, one after the other; return how many were made."""
    made = 0
    while made < limit:
        with tenant_scope(tenant_id):
            message = take_next(tenant_id=tenant_id, now=clock())
        if message is None:
            break
        deliver(message, clock=clock)
        made += 1
    return made


def deliver(message: OutboxMessage, *, clock: Callable[[], datetime]) -> None:
    """Make one leased call, outside of any transaction, and note what became of it."""
    try:
        answer = _make(message)
    except SlackFailed as failure:
        if failure.error not in DONE_ALREADY:
            _note_failure(message, failure, clock())
            return
        answer = {}
    with tenant_scope(message.tenant_id):
        follow_up = FOLLOW_UPS.get(message.follow_up)
        note_sent(message=message, answer=answer, follow_up=follow_up, now=clock())


def _make(message: OutboxMessage) -> dict[str, Any]:
    if message.method == "response_url":
        try:
            post_answer(url=message.arguments["url"], answer=message.arguments["message"])
        except NotDelivered as failure:
            raise SlackFailed(str(failure), permanent=failure.permanent) from failure
        return {}
    try:
        with tenant_scope(message.tenant_id):
            token = bot_token(SlackInstallation.objects.get(team_id=message.team_id))
    except (SecretUnavailable, SlackInstallation.DoesNotExist) as error:
        raise SlackFailed(f"no token: {error}", permanent=True) from error
    arguments = {name: value for name, value in message.arguments.items() if name not in OURS_ALONE}
    return call(token=token, method=message.method, arguments=arguments)


def _note_failure(message: OutboxMessage, failure: SlackFailed, now: datetime) -> None:
    log.warning(
        "not taken by Slack",
        action="chatops.call_failed",
        method=message.method,
        error=failure.error,
        message=str(message.id),
    )
    with tenant_scope(message.tenant_id):
        if failure.retry_after is not None:
            note_limited(message=message, retry_after=failure.retry_after, now=now)
            return
        gave_up = note_failed(message=message, error=failure.error, permanent=failure.permanent, now=now)
        if gave_up and message.follow_up in ON_FAILURE:
            ON_FAILURE[message.follow_up](message, failure.error, now)
        if failure.error in TOKEN_GONE:
            _lose(message.team_id, failure.error, now)


def _lose(team_id: str, error: str, now: datetime) -> None:
    """Let go of a workspace that has taken its token back."""
    installation = SlackInstallation.objects.filter(team_id=team_id).first()
    if installation is not None:
        who = Actor.system(channel="slack")
        revoke_workspace(installation=installation, actor=who, now=now, why=error)
