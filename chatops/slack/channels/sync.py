"""Keeps an incident's channel and headline as the incident is. Doing it again when nothing changed does nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chatops.commands import lookup
from chatops.models.channel import IncidentChannel
from chatops.models.outbox import Lane, OutboxMessage
from chatops.models.workspace import SlackInstallation
from chatops.slack import selectors
from chatops.slack.channels import pages as channels_pages
from chatops.slack.channels import role_requests
from chatops.slack.channels.headline import digest_of, headline
from chatops.slack.channels.lifecycle import close_channel, note_headline, open_channel, plan_channel
from chatops.slack.outbound.lifecycle import Say, enqueue
from conductor.tenancy.actors import Actor
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

State = IncidentChannel.State
NAME_LIMIT = 80
TOPIC_LIMIT = 250
NAMES_TRIED = 5


def follow(*, incident_id: UUID, now: datetime) -> None:
    """Queue what the incident's channel lacks: the channel itself, its headline, or the headline's latest text.

    Needs the tenant's scope. Without a workspace that has a token there is nothing to keep.
    """
    workspace = lookup.home_workspace()
    incident = Incident.objects.select_related("tenant").filter(id=incident_id).first()
    if workspace is None or incident is None or incident.is_history:
        return
    role_requests.ask(incident=incident, workspace=workspace, now=now)
    pages = channels_pages.called(incident=incident, now=now)
    channels_pages.tell(incident=incident, workspace=workspace, pages=pages, now=now)
    channel = IncidentChannel.objects.filter(incident=incident).first()
    if channel is None and workspace.opens_channels and incident.is_active:
        _plan(incident, workspace, now)
    elif channel is not None and channel.state == State.OPEN:
        _invite(channel, incident, pages, now)
        _keep_headline(channel, incident, now)


def _invite(channel: IncidentChannel, incident: Incident, pages: list[TimelineEvent], now: datetime) -> None:
    """Invite whoever declared it, was given a role or called, each once: who leaves is not fetched back.

    Into a private one nobody is let by a page alone: reading it takes a role.
    """
    called = {user for page in pages for user in channels_pages.users_of(page)} if not is_private(incident) else set()
    for person in _people(incident, channel.team_id, called):
        say = Say(
            "conversations.invite",
            {"channel": channel.channel_id, "users": person},
            lane=Lane.PAGE,
            subject=incident.ref,
            dedupe_key=f"invite:{incident.id}:{person}",
        )
        _queue(channel, say, now)


def _plan(incident: Incident, workspace: SlackInstallation, now: datetime) -> None:
    name = channel_name(incident)
    plan_channel(incident=incident, team_id=workspace.team_id, name=name, now=now)
    say = Say(
        "conversations.create",
        {"name": name, "is_private": is_private(incident)},
        lane=Lane.PAGE,
        follow_up="channel_created",
        subject=incident.ref,
        dedupe_key=f"channel:{incident.id}",
    )
    enqueue(tenant_id=incident.tenant_id, team_id=workspace.team_id, say=say, now=now)


def channel_name(incident: Incident) -> str:
    """Return `inc-7-checkout-fails`: lower-case letters, digits and hyphens, at most 80; a private one has no words."""
    if is_private(incident):
        return incident.code.lower()
    folded = unicodedata.normalize("NFKD", incident.title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:40].strip("-")
    return "-".join(part for part in (incident.code.lower(), words) if part)[:NAME_LIMIT]


def is_private(incident: Incident) -> bool:
    """Whether only those who were invited may know of the incident."""
    return getattr(incident, "visibility", "NORMAL") not in {"NORMAL", "normal", ""}


def _keep_headline(channel: IncidentChannel, incident: Incident, now: datetime) -> None:
    message = headline(incident)
    digest = digest_of(message)
    if digest == channel.headline_digest:
        return
    where = {"channel": channel.channel_id, **message}
    if channel.headline_ts:
        say = Say(
            "chat.update",
            {**where, "ts": channel.headline_ts},
            lane=Lane.DIGEST,
            channel_id=channel.channel_id,
            subject=incident.ref,
            coalesce_key=f"headline:{incident.id}",
        )
    else:
        say = Say(
            "chat.postMessage",
            where,
            lane=Lane.RESPONSE,
            channel_id=channel.channel_id,
            follow_up="headline_posted",
            subject=incident.ref,
            dedupe_key=f"headline:{incident.id}",
        )
    queued = enqueue(tenant_id=incident.tenant_id, team_id=channel.team_id, say=say, now=now)
    if queued is not None:
        note_headline(channel=channel, headline_digest=digest)


def channel_created(message: OutboxMessage, answer: Mapping[str, Any], now: datetime) -> None:
    """Note the channel that Slack made, set its topic, invite who responds, post the headline."""
    made, channel = answer["channel"], _channel_of(message)
    who = Actor.system(channel="slack")
    if channel is None or not open_channel(
        channel=channel, channel_id=str(made["id"]), name=str(made["name"]), actor=who, now=now
    ):
        return
    if made.get("is_ext_shared") or made.get("is_org_shared"):
        close_channel(channel=channel, state=State.SHARED, actor=who, now=now, key=f"shared:{made['id']}:made")
        return
    incident = channel.incident
    topic = f"{incident.code} {incident.severity}" + ("" if is_private(incident) else f" {incident.title}")
    _queue(channel, Say("conversations.setTopic", {"channel": channel.channel_id, "topic": topic[:TOPIC_LIMIT]}), now)
    follow(incident_id=incident.id, now=now)


def headline_posted(message: OutboxMessage, answer: Mapping[str, Any], now: datetime) -> None:
    """Remember which message is the headline, and bring it up to date with what happened meanwhile."""
    channel = _channel_of(message)
    if channel is not None:
        note_headline(channel=channel, headline_ts=str(answer["ts"]))
        follow(incident_id=channel.incident_id, now=now)


def channel_failed(message: OutboxMessage, error: str, now: datetime) -> bool:
    """Try another name where this one is taken; return whether the call is queued again."""
    channel = _channel_of(message)
    if channel is None:
        return False
    names_tried = int(message.arguments.get("tried", 1))
    if error == "name_taken" and names_tried < NAMES_TRIED:
        name = f"{channel.name[: NAME_LIMIT - 3]}-{names_tried + 1}"
        arguments = {"name": name, "is_private": message.arguments["is_private"], "tried": names_tried + 1}
        key = f"channel:{channel.incident_id}:{names_tried + 1}"
        say = Say(
            "conversations.create",
            arguments,
            lane=Lane.PAGE,
            follow_up="channel_created",
            subject=message.subject,
            dedupe_key=key,
        )
        return enqueue(tenant_id=channel.tenant_id, team_id=channel.team_id, say=say, now=now) is not None
    close_channel(channel=channel, state=State.FAILED, actor=Actor.system(channel="slack"), now=now)
    return False


def _channel_of(message: OutboxMessage) -> IncidentChannel | None:
    found = IncidentChannel.objects.select_related("incident", "incident__tenant")
    return found.filter(incident_id=message.subject.partition(":")[2]).first()


def _people(incident: Incident, team_id: str, called: set[int]) -> list[str]:
    """Return the Slack users who declared it, hold a role in it, or were called."""
    ids = called | set(
        RoleAssignment.objects.filter(incident=incident, ended_at=None).values_list("user_id", flat=True)
    )
    kind, _, key = incident.declared_by.partition(":")
    if kind == "tenancy.user" and key.isdigit():
        ids.add(int(key))
    found = (selectors.slack_user_of(team_id=team_id, user_id=each) for each in sorted(ids))
    return [each for each in found if each]


def _queue(channel: IncidentChannel, say: Say, now: datetime) -> None:
    enqueue(tenant_id=channel.tenant_id, team_id=channel.team_id, say=say, now=now)
