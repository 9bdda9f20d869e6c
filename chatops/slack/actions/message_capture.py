"""Messages onto the timeline: by a pin, an emoji, or the message shortcut, which works in threads too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from chatops.commands import answers, lookup
from chatops.commands.tokens import clean, plain
from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions.unlinked import unlinked
from chatops.slack.channels.lifecycle import capture_message
from chatops.slack.lifecycle import Outcome
from chatops.slack.outbound.replies import reply
from chatops.slack.render import modals
from chatops.slack.render.modals import INCIDENT_FIELD, Opened
from chatops.slack.workspace.slack_user import Speaker, speaker_of
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from incidents.models.incident import Incident

VERB = "capture"
FILES_KEPT = 10


@dataclass(frozen=True)
class Marked:
    """A message that somebody marked."""

    team_id: str
    channel_id: str
    channel_name: str
    ts: str
    text: str
    """As people read it."""
    author_name: str
    files: list[dict[str, Any]]
    permalink: str = ""


def marked_from(
    message: Mapping[str, Any], *, team_id: str, channel_id: str, channel_name: str, permalink: str = ""
) -> Marked:
    """Return a message as Slack's payloads carry it. Needs the tenant's scope, for its author's name."""
    author = str(message.get("user") or message.get("bot_id") or "")
    user = lookup.user_of(team_id=team_id, slack_user_id=author)
    known = (user.get_full_name() or user.get_username()) if user else ""
    kept = [
        {key: each[key] for key in ("id", "name", "mimetype", "size") if key in each}
        for each in (message.get("files") or [])[:FILES_KEPT]
    ]
    return Marked(
        team_id,
        channel_id,
        channel_name,
        str(message.get("ts", "")),
        clean(plain(str(message.get("text") or ""))),
        known or str(message.get("username") or author or "somebody"),
        kept,
        permalink,
    )


def capture(marked: Marked, *, incident: Incident, mark: str, actor: Actor, now: datetime) -> bool:
    """Put the message on the incident's timeline; False if it stands there already."""
    captured = capture_message(
        incident=incident,
        team_id=marked.team_id,
        channel_id=marked.channel_id,
        channel_name=marked.channel_name,
        ts=marked.ts,
        text=marked.text,
        author_name=marked.author_name,
        mark=mark,
        actor=actor,
        now=now,
        occurred_at=moment_of(marked.ts, now),
        permalink=marked.permalink,
        files=marked.files,
    )
    return captured is not None


def moment_of(ts: str, now: datetime) -> datetime:
    """Return when Slack says that the message was written: its id is the time."""
    try:
        return min(datetime.fromtimestamp(float(ts), tz=UTC), now)
    except (ValueError, OverflowError, OSError):
        return now


def perform_shortcut(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Capture the message on which the shortcut was used; outside of an incident's channel ask which incident."""
    said = _shortcut(receipt, now)
    if said.view is None and said.answer:
        reply(receipt, said.answer, now=now)
        return Outcome({})
    return said


def _shortcut(receipt: SlackReceipt, now: datetime) -> Outcome:
    speaker = speaker_of(receipt, command=settings.SLACK_COMMAND, now=now)
    if speaker.member is None:
        return Outcome(unlinked(speaker))
    incident = lookup.incident_of_channel(team_id=receipt.team_id, channel_id=receipt.channel_id)
    if incident is not None:
        return Outcome(_captured(speaker, incident, receipt))
    candidates = list(Incident.objects.active().order_by("-declared_at", "-number")[: modals.OPTIONS_LIMIT])
    if not candidates:
        return Outcome(answers.note("No incident is active, so the message was put on no timeline."))
    opened = Opened(VERB, speaker.tenant.id, origin=str(receipt.id))
    view = modals.frame(
        "Add to the timeline",
        "Add",
        callback=f"verb:{VERB}",
        opened=opened,
        blocks=[modals.which_incident(candidates), answers.section(answers.quoted(_text(receipt)) or "–")],
    )
    return Outcome(answers.note("Slack did not open the form, so the message was put on no timeline."), view)


def submit(speaker: Speaker, opened: Opened, values: dict[str, str], view: Mapping[str, Any]) -> Outcome:
    """Capture the message on the incident that was chosen."""
    origin = SlackReceipt.objects.filter(id=opened.origin).first()
    incident = Incident.objects.filter(number=int(values.get(INCIDENT_FIELD) or 0)).first()
    if origin is not None and origin.words_forgotten_at is not None:
        gone = "The message is not kept any more. Choose it again in Slack."
        return Outcome({"response_action": "errors", "errors": {INCIDENT_FIELD: gone}})
    if origin is None or incident is None:
        return Outcome({"response_action": "errors", "errors": {INCIDENT_FIELD: "Choose an incident."}})
    answer = _captured(speaker, incident, origin)
    if answer["text"].startswith(answers.REFUSED):
        return Outcome({"response_action": "errors", "errors": {INCIDENT_FIELD: answer["text"][:1000]}})
    reply(origin, answer, now=speaker.now, name=f"view:{speaker.receipt.id}")
    return Outcome({})


def _captured(speaker: Speaker, incident: Incident, receipt: SlackReceipt) -> answers.Answer:
    if speaker.member is None:
        return unlinked(speaker)
    channel = receipt.payload.get("channel") or {}
    marked = marked_from(
        receipt.payload.get("message") or {},
        team_id=receipt.team_id,
        channel_id=receipt.channel_id,
        channel_name=str(channel.get("name", "")),
    )
    try:
        is_new = capture(marked, incident=incident, mark="shortcut", actor=speaker.member.actor, now=speaker.now)
    except Refused as refused:
        return answers.refusal([refused.detail])
    there = f"{incident.code} has this message on its timeline"
    return answers.note(f"{there}." if is_new else f"{there} already. Nothing was changed.")


def _text(receipt: SlackReceipt) -> str:
    return clean(plain(str((receipt.payload.get("message") or {}).get("text") or "")))
