"""What the response policy asked of one incident, and what happened: for evidence, never edited.

The policy is the one that was in force when the incident was declared, by its digest. Later versions are rows of their
own, so they do not change what is said here.
"""

from __future__ import annotations

from typing import Any

from conductor.lib.clock import rfc3339
from incidents.models import EventKind, Incident, RoleAssignment, StatusTransition, TimelineEvent
from incidents.response.policy import InForce, policy_at


def conformance_of(*, incident: Incident) -> dict[str, Any]:
    """Return the report as JSON: the policy, then roles, updates and moves, each with what was asked. Four queries."""
    policy = policy_at(incident.declared_at)
    return {
        "incident": incident.code,
        "severity": incident.severity,
        "policy": {"version": policy.version, "digest": policy.digest, "title": policy.content.title},
        "roles": _roles(incident, policy),
        "updates": _updates(incident, policy),
        "moves": _moves(incident),
    }


def _roles(incident: Incident, policy: InForce) -> list[dict[str, Any]]:
    """Return each role that the severity asks for, and when it was first held; null if nobody ever held it."""
    required = {str(severity): roles for severity, roles in policy.content.required_roles.items()}
    held: dict[str, RoleAssignment] = {}
    for each in RoleAssignment.objects.filter(incident=incident).order_by("-assumed_at", "-id"):
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
    """Return how often updates were to come while it was open, and how many were missed."""
    missed = TimelineEvent.objects.filter(incident=incident, kind=EventKind.UPDATE_MISSED).order_by("seq")
    gap = policy.content.cadence.gap(severity=incident.severity, status="OPEN")
    return {
        "every_seconds": int(gap.total_seconds()),
        "missed": [rfc3339(each.occurred_at) for each in missed],
    }


def _moves(incident: Incident) -> list[dict[str, Any]]:
    """Return each move with the policy's version that it was made under, its guards, and who overrode them."""
    return [
        {
            "from": move.from_status,
            "to": move.to_status,
            "at": rfc3339(move.occurred_at),
            "policy_version": move.policy_version,
            "guards": move.guards,
            "override": move.override,
        }
        for move in StatusTransition.objects.filter(incident=incident).order_by("seq")
    ]
