"""Slack's command: reads the sentence, finds the person, opens the verb's modal or carries the verb out."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from chatops.commands import answers, refusals
from chatops.commands.arguments import Help, Suggestion
from chatops.commands.forms import wants_form
from chatops.commands.phrases import BY_WORD, usage_of
from chatops.commands.sentence import parse
from chatops.commands.verbs import carry_out
from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions import modal_opening
from chatops.slack.actions.unlinked import unlinked
from chatops.slack.lifecycle import Outcome
from chatops.slack.render import panel
from chatops.slack.workspace.slack_user import Speaker, speaker_of
from conductor.lib.errors import Refused


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Carry out a stored command and return its answer. Runs in the receipt's transaction and the tenant's scope.

    A refusal is an answer; whatever the refusing verb began is rolled back, what was recorded about it stays.
    """
    command = str(receipt.payload.get("command") or settings.SLACK_COMMAND)[:32]
    text = str(receipt.payload.get("text", ""))
    understood = parse(text, escaped=True)
    speaker = speaker_of(receipt, command=command, now=now)
    if isinstance(understood, Suggestion):
        return _ask(understood, speaker, command)
    if isinstance(understood.args, Help):
        return Outcome(_help(understood.args, speaker, command, is_empty=not text.strip()))
    if speaker.member is None:
        return Outcome(unlinked(speaker))
    if wants_form(understood) and speaker.can_open_modals:
        return modal_opening.form(speaker, understood)
    said = speaker.say(understood)
    try:
        return Outcome(carry_out(said))
    except Refused as refused:
        return Outcome(refusals.explain(refused, said=said))


def _ask(unclear: Suggestion, speaker: Speaker, command: str) -> Outcome:
    """Say what would be understood; where something is merely missing, the verb's modal asks for it."""
    usage = usage_of(BY_WORD[unclear.verb], command=command) if unclear.verb else ""
    said = answers.suggestion(unclear.problem, unclear.nearest, usage=usage, command=command)
    if unclear.is_unfinished and speaker.member is not None and speaker.can_open_modals:
        return modal_opening.unfinished(speaker, unclear.verb, unclear.given, instead=said)
    return Outcome(said)


def _help(args: Help, speaker: Speaker, command: str, *, is_empty: bool) -> answers.Answer:
    if args.verb:
        return answers.help_for(BY_WORD[args.verb], command=command)
    if is_empty and speaker.member is not None:
        return panel.at_hand(speaker)
    return answers.help_overview(command=command)
