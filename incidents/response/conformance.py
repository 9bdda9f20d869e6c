"""What the response policy asked of one incident, and what happened: for evidence, never edited.

The policy is the one that was in force when the incident was declared, by its digest. Later versions are rows of their
own, so they do not change what is said here. What nobody said is null here, and never taken for an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from conductor.lib.clock import rfc3339
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind, Impact, MilestoneKey, Question, Recorded, Severity, Status, Urgency
from incidents.models.history import Milestone, StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment
from incidents.response.policy import InForce, policy_at


def conformance_of(*, incident: Incident) -> dict[str, Any]:
    """Return the report as JSON: the policy and what it asks for, then what the record has of each. Nine queries."""
    policy = policy_at(incident.declared_at)
    severity = Severity(incident.severity)
    return {
        "incident": incident.code,
        "severity": incident.severity,
        "policy": {"version": policy.version, "digest": policy.digest, "title": policy.content.title},
        "acknowledge_within_minutes": policy.content.acknowledge_within_minutes.get(severity),
        "must_record": {each.value: policy.content.asks_for(each, severity=severity) for each in Recorded},
        "roles": _roles(incident, policy),
        "updates": _updates(incident, policy),
        "moves": _moves(incident),
        "milestones": _milestones(incident),
        "assessment": _assessment(incident, policy),
        "reporting": _reporting(incident),
        "action_items": _action_items(incident),
        "notices": _notices(incident),
    }


def _roles(incident: Incident, policy: InForce) -> list[dict[str, Any]]:
    """Return each role that the severity asks for, and when it was first held; null if nobody ever held it.

    A role that its holder has not accepted is not held. Nor does it count once the incident is resolved.
    """
    required = {str(severity): roles for severity, roles in policy.content.required_roles.items()}
    held: dict[str, RoleAssignment] = {}
    for each in RoleAssignment.objects.filter(incident=incident, accepted_at__isnull=False).order_by(
        "-assumed_at", "-id"
    ):
        if incident.resolved_at is None or each.assumed_at <= incident.resolved_at:
            held[each.role] = each
    return [
        {
            "role": str(role),
            "first_held_at": rfc3339(held[role].assumed_at) if role in held else None,
            "by": held[role].user_name if role in held else None,
        }
        for role in required.get(incident.severity, [])
    ]


def _updates(incident: Incident, policy: InForce) -> dict[str, Any]:
    """Return how often updates were to come, how many came and were missed, and every silence that was too long."""
    found = TimelineEvent.objects.filter(incident=incident).order_by("seq")
    missed = found.filter(kind=EventKind.UPDATE_MISSED).values_list("occurred_at", flat=True)
    posted = list(found.filter(kind=EventKind.UPDATE_POSTED).values_list("occurred_at", flat=True))
    gap = policy.content.cadence.gap(severity=incident.severity, status=Status.OPEN)
    silences = list(_silences(incident, posted))
    return {
        "every_seconds": int(gap.total_seconds()),
        "missed": [rfc3339(each) for each in missed],
        "posted": len(posted),
        "longest_silence_seconds": max((seconds for _began, seconds in silences), default=None),
        "too_long": [
            {"since": rfc3339(began), "seconds": seconds}
            for began, seconds in silences
            if seconds > _allowed(incident, policy, began)
        ],
    }


def _silences(incident: Incident, posted: list[datetime]) -> Iterator[tuple[datetime, int]]:
    """Yield when each silence between declaration and resolution began and how long it lasted."""
    end = incident.resolved_at
    if end is None or end <= incident.declared_at:
        return
    spoken = sorted(at for at in posted if incident.declared_at < at < end)
    for before, after in pairwise([incident.declared_at, *spoken, end]):
        yield before, int((after - before).total_seconds())


def _allowed(incident: Incident, policy: InForce, began: datetime) -> float:
    is_watched = incident.monitoring_at is not None and began >= incident.monitoring_at
    status = Status.MONITORING if is_watched else Status.OPEN
    return policy.content.cadence.gap(severity=incident.severity, status=status).total_seconds()


def _moves(incident: Incident) -> list[dict[str, Any]]:
    """Return each move with the policy's version that it was made under, its guards, and who overrode them."""
    return [
        {
            "from": move.from_status,
            "to": move.to_status,
            "at": rfc3339(move.occurred_at),
            "inferred": move.inferred,
            "policy_version": move.policy_version,
            "guards": move.guards,
            "override": move.override,
        }
        for move in StatusTransition.objects.filter(incident=incident).order_by("seq")
    ]


def _milestones(incident: Incident) -> dict[str, str | None]:
    """Return when each milestone was, as somebody stated it or an alert did; null where nobody has."""
    causes = Milestone.objects.filter(incident=incident, key=MilestoneKey.IDENTIFIED).order_by("-recorded_at", "-id")
    moments = {
        MilestoneKey.IMPACT_STARTED: incident.impact_started_at,
        MilestoneKey.DETECTED: incident.detected_at,
        MilestoneKey.IDENTIFIED: causes.values_list("at", flat=True).first(),
        MilestoneKey.IMPACT_ENDED: incident.impact_ended_at,
    }
    return {key.value: rfc3339(at) if at else None for key, at in moments.items()}


def _assessment(incident: Incident, policy: InForce) -> dict[str, Any]:
    """Return impact and urgency, the severity that the matrix gives for them, and why it was set to another one."""
    is_given = bool(incident.impact and incident.urgency)
    changes = TimelineEvent.objects.filter(incident=incident, kind=EventKind.SEVERITY_CHANGED).order_by("seq")
    matrix = policy.content.severity_matrix
    return {
        "impact": incident.impact or None,
        "urgency": incident.urgency or None,
        "severity_by_matrix": matrix[Impact(incident.impact)][Urgency(incident.urgency)].value if is_given else None,
        "reasons": [each.body for each in changes if each.body],
    }


def _reporting(incident: Incident) -> dict[str, Any]:
    """Return the reply to every question, null where nobody gave one, and each reporting obligation with its state."""
    duties = Obligation.objects.filter(incident=incident).order_by("regime", "armed_at", "id")
    passed = TimelineEvent.objects.filter(incident=incident, kind=EventKind.OBLIGATION_MISSED)
    missed = {each.get("rule") for each in passed.values_list("data", flat=True)}
    return {
        "questions": [
            {"key": each.value, "question": str(each.label), "reply": incident.answers.get(each.value) or None}
            for each in Question
        ],
        "obligations": [
            {
                "rule": each.rule_key,
                "regime": each.regime,
                "title": each.rule["title"],
                "state": each.state,
                "due_at": rfc3339(each.due_at) if each.due_at else None,
                "filed_at": rfc3339(each.filed_at) if each.filed_at else None,
                "decided_by": each.decided_by_name or None,
                "missed": each.rule_key in missed,
            }
            for each in duties
        ],
    }


def _action_items(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "title": each.title,
            "status": each.status,
            "owner": each.owner_name or None,
            "due_date": each.due_date.isoformat() if each.due_date else None,
        }
        for each in ActionItem.objects.filter(incident=incident).order_by("number")
    ]


def _notices(incident: Incident) -> dict[str, int]:
    """Return how many notices reached a channel and how many did not."""
    facts = TimelineEvent.objects.filter(incident=incident, kind=EventKind.NOTICE_SENT).values_list("data", flat=True)
    found = list(facts)
    return {
        "sent": sum(each.get("sent", 0) for each in found),
        "failed": sum(each.get("failed", 0) for each in found),
    }
