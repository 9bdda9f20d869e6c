"""Slack's door to the verbs: reads the sentence, finds the person, calls one verb, words the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from chatops import answers, replies, selectors
from chatops.grammar import About, Assign, Classify, Command, Declare, Help, Listing, Suggestion, parse
from chatops.models import SlackReceipt
from chatops.vocabulary import BY_WORD, usage_of
from conductor.lib.errors import Invalid, Refused
from conductor.policy.decisions import PolicyDenied
from conductor.tenancy.actors import Actor, actor_for_user, display_name, require
from conductor.tenancy.models import Environment, Tenant
from incidents.lifecycle import (
    GuardsNotMet,
    acknowledge_incident,
    assign_role,
    classify_incident,
    declare_incident,
    mitigate_incident,
    post_update,
    record_decision,
    reopen_incident,
    resolve_incident,
    start_monitoring,
)
from incidents.models import Incident, Role, RoleAssignment, TimelineEvent

UNLINKED = (
    "Conductor does not know which member you are, so nothing was done. "
    "Ask an admin to link your Slack user on Conductor's admin pages, under Slack identities."
)


@dataclass(frozen=True)
class Said:
    """One command, and who says it."""

    verb: str
    args: Any
    """The dataclass of chatops.grammar that belongs to the verb."""
    command: str
    """The command's name as typed, `/incident`."""
    tenant: Tenant
    team_id: str
    user: User
    actor: Actor
    now: datetime

    def incident(self, *, is_over: bool = False) -> Incident:
        """Return the incident that is meant."""
        return selectors.incident_meant(number=self.args.incident, user=self.user, now=self.now, is_over=is_over)


def perform(receipt: SlackReceipt, now: datetime) -> answers.Answer:
    """Carry out a stored command and return its answer. Runs in the receipt's transaction and the tenant's scope.

    A refusal is an answer; whatever the refusing verb began is rolled back, what was recorded about it stays.
    """
    command = str(receipt.payload.get("command") or settings.SLACK_COMMAND)[:32]
    understood = parse(str(receipt.payload.get("text", "")), escaped=True)
    if isinstance(understood, Suggestion):
        usage = usage_of(BY_WORD[understood.verb], command=command) if understood.verb else ""
        return answers.suggestion(understood.problem, understood.nearest, usage=usage, command=command)
    if isinstance(understood.args, Help):
        return _help(understood.args, command)
    said = _identify(receipt, understood, command, now)
    if said is None:
        return answers.note(UNLINKED, f"Your Slack user id is {answers.code(receipt.slack_user_id)}")
    try:
        return _VERBS[said.verb](said)
    except selectors.IncidentNotNamed as unclear:
        return replies.which_one(unclear.detail, unclear.candidates, typed=f"{command} {said.verb}")
    except Refused as refused:
        return answers.refusal(reasons_of(refused))


def reasons_of(refused: Refused) -> list[str]:
    """Return every reason of a refusal, each a sentence."""
    if isinstance(refused, PolicyDenied):
        return refused.decision.reasons
    if isinstance(refused, GuardsNotMet):
        return refused.reasons
    if isinstance(refused, Invalid) and refused.fields and refused.code == Invalid.code:
        return [
            f"{name.replace('_', ' ').capitalize()}: {why}" for name, each in refused.fields.items() for why in each
        ]
    return [refused.detail]


def _help(args: Help, command: str) -> answers.Answer:
    if args.verb:
        return answers.help_for(BY_WORD[args.verb], command=command)
    return answers.help_overview(command=command)


def _identify(receipt: SlackReceipt, understood: Command, command: str, now: datetime) -> Said | None:
    user = selectors.user_of(team_id=receipt.team_id, slack_user_id=receipt.slack_user_id)
    if user is None:
        return None
    tenant = Tenant.objects.get(id=receipt.tenant_id)
    actor = actor_for_user(user=user, tenant=tenant, channel="slack")
    if actor is None:
        return None
    return Said(understood.verb, understood.args, command, tenant, receipt.team_id, user, actor, now)


def _declare(said: Said) -> answers.Answer:
    args: Declare = said.args
    incident, _ = declare_incident(
        tenant_id=said.tenant.id,
        title=args.title,
        severity=args.severity,
        service=args.service,
        environment=_environment(args.environment),
        actor=said.actor,
        now=said.now,
    )
    return replies.declared(incident, command=said.command, is_guessed=not args.severity_said)


def _environment(name: str) -> Environment | None:
    if not name:
        return None
    same = Q(slug__iexact=name) | Q(name__iexact=name) | Q(kind__iexact=name)
    found = Environment.objects.filter(same).order_by("id").first()
    if found is None:
        known = ", ".join(Environment.objects.order_by("id").values_list("slug", flat=True))
        raise Invalid(fields={"environment": [f"There is none called {name[:60]}. Choose one of {known}."]})
    return found


def _ack(said: Said) -> answers.Answer:
    incident = said.incident()
    was_seen = incident.acknowledged_at is not None
    incident = acknowledge_incident(incident=incident, actor=said.actor, now=said.now)
    return replies.done(incident, "was acknowledged already." if was_seen else "is acknowledged by you.")


def _classify(said: Said) -> answers.Answer:
    args: Classify = said.args
    incident = said.incident()
    before = incident.severity
    incident = classify_incident(
        incident=incident, severity=args.severity, reason=args.reason, actor=said.actor, now=said.now
    )
    if before == incident.severity:
        return replies.done(incident, f"was {before} already. Nothing was changed.")
    return replies.done(incident, f"is {incident.severity} now, it was {before}.", text=args.reason)


def _assign(said: Said) -> answers.Answer:
    args: Assign = said.args
    incident = said.incident()
    user = selectors.member_meant(person=args.person, team_id=said.team_id) if args.person else said.user
    assignment = assign_role(incident=incident, role=args.role, user=user, actor=said.actor, now=said.now)
    label = Role(assignment.role).label.lower()
    incident.refresh_from_db()
    return replies.done(incident, f"has {display_name(user)} as its {label}.")


def _update(said: Said) -> answers.Answer:
    args: About = said.args
    incident = said.incident()
    post_update(incident=incident, text=args.text, actor=said.actor, now=said.now)
    return replies.done(incident, "has your update on its timeline.", text=args.text)


def _decide(said: Said) -> answers.Answer:
    args: About = said.args
    incident = said.incident()
    record_decision(incident=incident, text=args.text, actor=said.actor, now=said.now)
    return replies.done(incident, "has your decision on its timeline.", text=args.text)


def _move(verb: Callable[..., Incident], *, is_over: bool = False) -> Callable[[Said], answers.Answer]:
    def move(said: Said) -> answers.Answer:
        args: About = said.args
        incident = said.incident(is_over=is_over)
        before = incident.status
        incident = verb(incident=incident, reason=args.text, actor=said.actor, now=said.now)
        if incident.status == before:
            return replies.unmoved(incident)
        return replies.moved(incident, who=said.actor.name, text=args.text, now=said.now)

    return move


def _status(said: Said) -> answers.Answer:
    require(actor=said.actor, permission="view_incidents")
    incident = said.incident()
    roles = RoleAssignment.objects.filter(incident=incident, ended_at=None).order_by("role")
    entries = TimelineEvent.objects.filter(incident=incident).order_by("-seq")[:5]
    return replies.standing(incident, roles=list(roles), entries=list(entries), now=said.now)


def _list(said: Said) -> answers.Answer:
    require(actor=said.actor, permission="view_incidents")
    args: Listing = said.args
    if args.which == "mine":
        found = selectors.my_incidents(user=said.user)
    else:
        active = Incident.objects.active().order_by("severity", "-declared_at", "-number")
        found = list(active if args.which == "open" else active.filter(severity=args.which.upper()))
    return replies.listing(found, which=args.which, command=said.command)


_VERBS: dict[str, Callable[[Said], answers.Answer]] = {
    "declare": _declare,
    "ack": _ack,
    "classify": _classify,
    "assign": _assign,
    "update": _update,
    "decide": _decide,
    "mitigated": _move(mitigate_incident),
    "monitoring": _move(start_monitoring),
    "resolved": _move(resolve_incident),
    "reopen": _move(reopen_incident, is_over=True),
    "status": _status,
    "list": _list,
}
