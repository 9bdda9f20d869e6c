"""The sentences at doors other than Slack's: the console and the command line. The same parser, the same verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from chatops.commands import answers, refusals
from chatops.commands.answers import Answer
from chatops.commands.arguments import Command, Help, Suggestion
from chatops.commands.call import Said
from chatops.commands.groups import MustAsk
from chatops.commands.phrases import BY_WORD, usage_of
from chatops.commands.sentence import parse
from chatops.commands.verbs import carry_out
from conductor.engine.claim.wake import send
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.models import Tenant


@dataclass(frozen=True)
class Spoken:
    """What a sentence came to."""

    answer: Answer
    was_done: bool
    """Whether the verb was carried out; a question, a suggestion and a refusal change nothing."""
    refused: Refused | None = None
    """Why it was not, where a verb refused."""


def say(*, text: str, tenant: Tenant, user: User, actor: Actor, now: datetime, command: str = "") -> Spoken:
    """Carry the sentence out and return the answer; a refusal is one too. Needs the tenant's scope.

    `command` is what stands before the verb in the hints, `manage.py incident` for example. Of private incidents the
    actor hears no more than anywhere else.
    """
    with viewing_as(actor):
        return _say(text, tenant, user, actor, now, command)


def _say(text: str, tenant: Tenant, user: User, actor: Actor, now: datetime, command: str) -> Spoken:
    understood = parse(text)
    if isinstance(understood, Suggestion):
        usage = usage_of(BY_WORD[understood.verb], command=command) if understood.verb else ""
        said = answers.suggestion(understood.problem, understood.nearest, usage=usage, command=command)
        return Spoken(said, was_done=False)
    if isinstance(understood.args, Help):
        return Spoken(_help(understood.args, command), was_done=True)
    return _carry_out(understood, tenant, user, actor, now, command)


def say_form(*, said: Command, tenant: Tenant, user: User, actor: Actor, now: datetime) -> Spoken:
    """Carry out what a filled-in form says and return the answer, as `say` does. Needs the tenant's scope."""
    with viewing_as(actor):
        return _carry_out(said, tenant, user, actor, now, "")


def _carry_out(said: Command, tenant: Tenant, user: User, actor: Actor, now: datetime, command: str) -> Spoken:
    sentence = Said(said.verb, said.args, command, tenant, "", user, actor, now)
    try:
        return Spoken(carry_out(sentence), was_done=True)
    except MustAsk as wanted:
        asked = {"tenant_id": str(tenant.id), "team_id": wanted.team_id, "said": wanted.said}
        send("chatops.ask_group", asked, queue="incident")
        return Spoken(answers.note(f"Asking Slack who is in {wanted.shown}. Say it again in a few seconds."), False)
    except Refused as refused:
        return Spoken(refusals.explain(refused, said=sentence), was_done=False, refused=refused)


def _help(args: Help, command: str) -> Answer:
    return (
        answers.help_for(BY_WORD[args.verb], command=command) if args.verb else answers.help_overview(command=command)
    )
