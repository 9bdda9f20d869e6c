"""The command's verbs: each calls one verb of a lifecycle and words the answer. Any door may say them."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q

from chatops.commands import answers, lookup, outcome_verbs, queries, record_verbs, replies, response_verbs, tickets
from chatops.commands.arguments import About, Affect, Assign, Classify, Declare, Listing
from chatops.commands.call import Said
from chatops.commands.record_verbs import mark_reconstructed
from conductor.lib.errors import Invalid, Refused
from conductor.policy.decisions import PolicyDenied
from conductor.tenancy.actors import display_name, require
from conductor.tenancy.models import Environment
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import mitigate_incident, reopen_incident, resolve_incident, start_monitoring
from incidents.models.choices import Kind, Role, Visibility
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.refusals import GuardsNotMet
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import record_decision


def carry_out(said: Said) -> answers.Answer:
    """Do what is said and return the answer. Raise Refused."""
    return _VERBS[said.verb](said)


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


def _declare(said: Said) -> answers.Answer:
    args: Declare = said.args
    incident, _ = declare_incident(
        tenant_id=said.tenant.id,
        title=args.title,
        severity=args.severity,
        service=args.service,
        environment=_environment(args.environment),
        summary=args.summary,
        detected_at=said.spooled_at,
        kind=Kind.PRACTICE if args.is_drill else Kind.REAL,
        visibility=Visibility.PRIVATE if args.is_private else Visibility.NORMAL,
        actor=said.actor,
        now=said.now,
    )
    incident.tenant = said.tenant
    if args.type:
        classify_incident(incident=incident, incident_type=args.type, actor=said.actor, now=said.now)
    mark_reconstructed(said, incident, args.title)
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


def _impact(said: Said) -> answers.Answer:
    args: Affect = said.args
    incident = said.incident()
    before = incident.severity
    incident = classify_incident(
        incident=incident,
        impact=args.impact,
        urgency=args.urgency or None,
        reason=args.reason,
        actor=said.actor,
        now=said.now,
    )
    words = str(incident.get_impact_display()).lower()
    if not incident.urgency:
        return replies.done(incident, f"hits {words}. Say how fast it gets worse, and the severity follows.")
    same = "still" if before == incident.severity else "now"
    return replies.done(incident, f"hits {words}, so it is {incident.severity} {same}.", text=args.reason)


def _assign(said: Said) -> answers.Answer:
    args: Assign = said.args
    incident = said.incident()
    user = lookup.member_meant(person=args.person, team_id=said.team_id) if args.person else said.user
    assignment = assign_role(incident=incident, role=args.role, user=user, actor=said.actor, now=said.now)
    label = Role(assignment.role).label.lower()
    incident.refresh_from_db()
    return replies.done(incident, f"has {display_name(user)} as its {label}.")


def _decide(said: Said) -> answers.Answer:
    args: About = said.args
    incident = said.incident()
    record_decision(incident=incident, text=args.text, actor=said.actor, now=said.now)
    mark_reconstructed(said, incident, args.text)
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
        found = lookup.my_incidents(user=said.user)
    else:
        active = Incident.objects.active().order_by("severity", "-declared_at", "-number")
        found = list(active if args.which == "open" else active.filter(severity=args.which.upper()))
    return replies.listing(found, which=args.which, command=said.command)


_VERBS: dict[str, Callable[[Said], answers.Answer]] = {
    "declare": _declare,
    "ack": _ack,
    "classify": _classify,
    "assign": _assign,
    "impact": _impact,
    "matrix": queries.matrix,
    "title": outcome_verbs.title,
    "summary": outcome_verbs.summary,
    "type": outcome_verbs.kind,
    "page": outcome_verbs.page,
    "postmortem": outcome_verbs.postmortem,
    "export": outcome_verbs.export,
    "who": queries.who,
    "clock": queries.clock,
    "cost": queries.cost,
    "find": queries.find,
    "update": record_verbs.update,
    "note": record_verbs.note,
    "followup": record_verbs.follow_up,
    "followups": record_verbs.follow_ups,
    "link": record_verbs.link,
    "ticket": tickets.open_one,
    "tickets": tickets.listing,
    "decline": response_verbs.decline,
    "drop": response_verbs.drop,
    "decide": _decide,
    "accept": response_verbs.accept,
    "handover": response_verbs.hand_over,
    "task": response_verbs.add,
    "tasks": response_verbs.listing,
    "done": response_verbs.finish,
    "cancel": response_verbs.cancel,
    "duplicate": response_verbs.merge,
    "mitigated": _move(mitigate_incident),
    "monitoring": _move(start_monitoring),
    "resolved": _move(resolve_incident),
    "reopen": _move(reopen_incident, is_over=True),
    "status": _status,
    "list": _list,
}
