"""Verbs that only show: who has it, what time is left, what it cost, which severity follows, and what is found."""

from __future__ import annotations

from chatops.commands import answers, replies, shown
from chatops.commands.arguments import Search
from chatops.commands.call import Said
from conductor.tenancy.actors import require
from incidents.hub.selectors import HubFilter, filtered
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, RoleOffer
from incidents.page.cost import cost_so_far
from incidents.response.cadence import watch
from incidents.response.policy import policy_in_force

FOUND = 15


def who(said: Said) -> answers.Answer:
    """Return who holds which role, who has not accepted, and what is offered."""
    incident = _looked_at(said)
    roles = list(RoleAssignment.objects.filter(incident=incident, ended_at=None).order_by("assumed_at"))
    offers = list(RoleOffer.objects.filter(incident=incident, answered_at=None).order_by("offered_at"))
    required = policy_in_force().content.required_roles.get(incident.severity, [])  # type: ignore[call-overload]
    held = {each.role for each in roles}
    return shown.people(incident, roles, offers, gaps=[str(each.label) for each in required if each not in held])


def matrix(said: Said) -> answers.Answer:
    """Return the severity of each impact and urgency, by the organisation's policy."""
    require(actor=said.actor, permission="view_incidents")
    policy = policy_in_force()
    return shown.matrix(policy.content.severity_matrix, version=policy.version, command=said.command)


def clock(said: Said) -> answers.Answer:
    """Return the reporting obligations with the time that is left, and when the next update is due."""
    incident = _looked_at(said)
    duties = list(Obligation.objects.filter(incident=incident).order_by("due_at", "regime", "armed_at"))
    silence = watch(incident=incident, cadence=policy_in_force().content.cadence, now=said.now)
    owner = RoleAssignment.objects.filter(incident=incident, role="PRIVACY", ended_at=None).first()
    return shown.clocks(
        incident,
        duties,
        next_update=silence.next_due if incident.is_active else None,
        owner=owner.user_name if owner else "",
        now=said.now,
    )


def cost(said: Said) -> answers.Answer:
    """Return what the incident has cost so far, by meter."""
    incident = _looked_at(said)
    return shown.costs(incident, cost_so_far(incident=incident, now=said.now))


def find(said: Said) -> answers.Answer:
    """Return the incidents that have the words."""
    require(actor=said.actor, permission="view_incidents")
    args: Search = said.args
    found = filtered(filters=HubFilter(q=args.text, kind="")).order_by("-declared_at", "-number")
    total = found.count()
    return replies.found(list(found.select_related("tenant")[:FOUND]), words=args.text, total=total)


def _looked_at(said: Said) -> Incident:
    require(actor=said.actor, permission="view_incidents")
    return said.incident()
