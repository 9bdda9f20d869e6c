"""Buttons that were pressed: the verb is carried out, or its modal opens, with the rights of who pressed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from chatops.commands import answers, refusals
from chatops.commands.arguments import About, Command
from chatops.commands.buttons import DO, FORM, ButtonRefused, Press, unpack
from chatops.commands.forms import FORMS, command_of
from chatops.commands.verbs import carry_out
from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions import modal_opening
from chatops.slack.actions.unlinked import unlinked
from chatops.slack.lifecycle import Outcome
from chatops.slack.outbound.replies import reply
from chatops.slack.workspace.slack_user import speaker_of
from conductor.lib.errors import Refused

STALE = "This button is not one that Conductor gave out here, so nothing was done."


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Do what the pressed button says. What is said about it goes to the response URL, as a press has no answer."""
    said = _press(receipt, now)
    if said.view is None and said.answer:
        reply(receipt, said.answer, now=now)
        return Outcome({})
    return said


def _press(receipt: SlackReceipt, now: datetime) -> Outcome:
    how, _, _ = _action_id(receipt.payload).partition(":")
    if how not in {DO, FORM}:
        return Outcome({})
    try:
        press = unpack(str(_action(receipt.payload).get("value", "")), tenant_id=receipt.tenant_id)
    except ButtonRefused:
        return Outcome(answers.note(STALE))
    speaker = speaker_of(receipt, command=settings.SLACK_COMMAND, now=now)
    if speaker.member is None:
        return Outcome(unlinked(speaker))
    if how == FORM and press.verb in FORMS:
        about = {"incident": str(press.incident)} if press.incident else {}
        return modal_opening.unfinished(speaker, press.verb, {**press.given, **about})
    said = speaker.say(_command(press))
    try:
        return Outcome(carry_out(said))
    except Refused as refused:
        return Outcome(refusals.explain(refused, said=said))


def _command(press: Press) -> Command:
    if press.verb in FORMS:
        return command_of(press.verb, incident=press.incident, values=press.given)
    return Command(press.verb, About(press.incident))


def _action(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    actions = payload.get("actions") or [{}]
    first: Mapping[str, Any] = actions[0]
    return first


def _action_id(payload: Mapping[str, Any]) -> str:
    return str(_action(payload).get("action_id", ""))
