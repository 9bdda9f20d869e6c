"""Incident, its transitions, roles, timeline and postmortem. History is rows, never overwritten columns."""

from __future__ import annotations

from incidents.models.action_item import ActionItem
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident, IncidentQuerySet
from incidents.models.people import RoleAssignment
from incidents.models.policy import ResponsePolicy
from incidents.models.postmortem import Postmortem
from incidents.models.words import OVER, SIDE_EXITS, STEPS, Closure, EventKind, Kind, Role, Severity, Status

__all__ = [
    "OVER",
    "SIDE_EXITS",
    "STEPS",
    "ActionItem",
    "Closure",
    "EventKind",
    "Incident",
    "IncidentQuerySet",
    "Kind",
    "Postmortem",
    "ResponsePolicy",
    "Role",
    "RoleAssignment",
    "Severity",
    "Status",
    "StatusTransition",
    "TimelineEvent",
]
