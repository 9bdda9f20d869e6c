"""What is said and kept while the database is away: people respond by a checklist, the record is made up later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings

from chatops.commands import answers
from chatops.commands.answers import Answer, code, context, moment, mrkdwn, section
from chatops.commands.arguments import Command, Declare
from chatops.commands.sentence import parse
from chatops.slack.inbound import outage_spool
from chatops.slack.inbound.request import Kind, request_of

log = structlog.get_logger("chatops.slack.inbound.outage_checklist")

KEPT = frozenset({"declare", "update", "note", "decide"})
"""Verbs whose words are kept and carried out later. Others change what nobody can see now, so they are refused."""
UNAVAILABLE = (
    "Conductor could not take this in, so nothing was done. Try again in a minute, or act outside of Slack meanwhile."
)
CHECKLIST = (
    "Say here who commands, and who writes down what happens and when.",
    "Page the people you need yourselves: Conductor cannot.",
    "Say here what is broken, who is affected, and since when.",
    "Stop the impact first: roll back, fail over, switch off.",
    "Post an update every 20 minutes, also when nothing changed.",
    "Go on saying `declare`, `update`, `note` and `decide` here: each is kept and recorded later.",
)


def take_in_degraded(*, fields: Mapping[str, Any], now: datetime) -> Answer | None:
    """Keep what a command says and return the checklist; None for requests that are not commands.

    Which workspace it is cannot be known now. What belongs to none of ours is set aside at the back-fill.
    """
    request = request_of(fields)
    if request.kind != Kind.COMMAND:
        return None
    command = str(fields.get("command") or settings.SLACK_COMMAND)[:32]
    understood = parse(str(fields.get("text", "")), escaped=True)
    if not isinstance(understood, Command) or understood.verb not in KEPT:
        return answers.note(UNAVAILABLE, f"These are kept meanwhile: {code(command + ' declare sev2 what is broken')}")
    try:
        reference = outage_spool.keep(key=request.dedupe_key, fields=request.payload, now=now)
    except OSError as error:
        log.error("not spooled", action="chatops.spool_failed", error=type(error).__name__)
        return answers.note(UNAVAILABLE)
    log.warning("spooled", action="chatops.spooled", reference=reference, verb=understood.verb)
    if isinstance(understood.args, Declare):
        return declared(understood.args, reference=reference, who=request.slack_user_id, now=now)
    return answers.note(f"Kept as {reference}, to be recorded when Conductor's database is back.")


def declared(args: Declare, *, reference: str, who: str, now: datetime) -> Answer:
    """Return that the incident is declared for the people here, and what to do without Conductor."""
    title = mrkdwn(args.title, 200)
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(CHECKLIST, start=1))
    return answers.answer(
        f"{args.severity} declared, kept as {reference}: {args.title}",
        [
            section(f"*{args.severity} declared*  {title}"),
            section(
                f"Conductor's database is away. This is kept as {code(reference)} and will be recorded, marked as "
                "reconstructed, when it is back. Until then:"
            ),
            section(steps),
            context(f"<@{who}> · {moment(now)}" if who.isalnum() else moment(now)),
        ],
        in_channel=True,
    )
