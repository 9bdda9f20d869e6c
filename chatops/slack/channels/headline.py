"""The headline of an incident's channel: one message that always says where it stands and who has it."""

from __future__ import annotations

from typing import Any

from chatops.commands import replies
from chatops.commands.answers import Block, actions, answer, context, moment, mrkdwn, quoted, section
from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

UPDATE_SHOWN = 1200


def headline(incident: Incident) -> dict[str, Any]:
    """Return the headline's text and blocks. It says nothing relative to now: unchanged facts are an unchanged text."""
    roles = RoleAssignment.objects.filter(incident=incident, ended_at=None).order_by("role")
    said = TimelineEvent.objects.filter(incident=incident, kind=EventKind.UPDATE_POSTED).order_by("-seq").first()
    held = "  ·  ".join(f"{mrkdwn(each.get_role_display(), 40)}: {mrkdwn(each.user_name, 100)}" for each in roles)
    blocks: list[Block] = [section(replies.line(incident)), section(held or "Nobody holds a role yet.")]
    if said is not None:
        blocks += [section(quoted(said.body[:UPDATE_SHOWN])), context(_by(said))]
    blocks += [actions(*replies.handles(incident)), context(f"Declared {moment(incident.declared_at)}")]
    status = incident.get_status_display()
    shown = answer(f"{incident.code} {incident.severity} {status}: {incident.title}", blocks)
    return {"text": shown["text"], "blocks": shown["blocks"]}


def digest_of(message: dict[str, Any]) -> str:
    """Return what tells one headline from another."""
    return sha256_hex(canonical_json(message))


def _by(said: TimelineEvent) -> str:
    return f"{mrkdwn(said.actor_name, 100)} · {moment(said.occurred_at)}"
