"""Which modal is opened, and filled in with what: for a verb alone, an unfinished sentence, a button."""

from __future__ import annotations

from collections.abc import Mapping

from chatops.commands import answers, lookup, refusals, replies
from chatops.commands.answers import code
from chatops.commands.arguments import Command
from chatops.commands.forms import FORMS
from chatops.commands.menus import menus_of
from chatops.commands.phrases import BY_WORD, usage_of
from chatops.commands.verbs import reasons_of
from chatops.commands.vocabulary import ALSO_OVER
from chatops.slack.lifecycle import Outcome
from chatops.slack.render import modals
from chatops.slack.render.modals import Opened
from chatops.slack.workspace.slack_user import Speaker
from conductor.lib.errors import Refused
from incidents.models.incident import Incident

CANNOT_OPEN = "Slack did not open the form, so nothing was done. Write it in one line instead."


def form(speaker: Speaker, understood: Command) -> Outcome:
    """Return the verb's modal, about the incident that is meant."""
    return unfinished(speaker, understood.verb, {"incident": str(getattr(understood.args, "incident", "") or "")})


def unfinished(
    speaker: Speaker, verb: str, given: Mapping[str, str], *, instead: answers.Answer | None = None
) -> Outcome:
    """Return the verb's modal filled in with `given`. `instead` is said should Slack not open it."""
    try:
        view = view_of(speaker, verb, given)
    except lookup.IncidentNotNamed as unclear:
        if not unclear.candidates:
            return Outcome(refusals.nothing_there(unclear, verb=verb, tenant_id=speaker.tenant.id))
        return Outcome(replies.which_one(unclear.detail, unclear.candidates, typed=f"{speaker.command} {verb}"))
    except Refused as refused:
        permissions = speaker.member.actor.permissions if speaker.member else ()
        pages = refusals.page_that_helps(refused, slug=speaker.tenant.slug, permissions=permissions)
        return Outcome(answers.refusal(reasons_of(refused), fixes=pages))
    return Outcome(instead or in_one_line(speaker.command, verb), view)


def view_of(speaker: Speaker, verb: str, given: Mapping[str, str]) -> modals.View:
    """Return the verb's modal. Where no incident is meant for sure, it asks which."""
    member = speaker.member
    if member is None:
        raise LookupError("nobody knows who speaks")
    number = int(given["incident"]) if given.get("incident") else None
    incident: Incident | None = None
    candidates: list[Incident] = []
    if FORMS[verb].is_about_one:
        incident, candidates = lookup.meant_or_candidates(
            number=number,
            user=member.user,
            now=speaker.now,
            is_over=verb == "reopen",
            also_over=verb in ALSO_OVER,
            at=(speaker.receipt.team_id, speaker.channel_id),
        )
    opened = Opened(
        verb,
        speaker.tenant.id,
        incident.number if incident else None,
        incident.status if incident else "",
        str(speaker.receipt.id),
    )
    return modals.modal(
        opened=opened,
        incident=incident,
        candidates=candidates,
        menus=menus_of(FORMS[verb], incident=incident),
        given=given,
    )


def in_one_line(command: str, verb: str) -> answers.Answer:
    """Return how the verb is said without its form."""
    return answers.note(CANNOT_OPEN, code(usage_of(BY_WORD[verb], command=command)))
