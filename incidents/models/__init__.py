"""Incident, its transitions, roles, timeline and postmortem. History is rows, never overwritten columns."""

from __future__ import annotations

from incidents.models.action_item import ActionItem
from incidents.models.alert import AlertDelivery, AlertRecord, AlertSource, Outcome
from incidents.models.choices import (
    OVER,
    SIDE_EXITS,
    STEPS,
    UPDATES,
    Audience,
    Closure,
    EventKind,
    Impact,
    Kind,
    MilestoneKey,
    Question,
    Recorded,
    Reply,
    Role,
    Severity,
    Status,
    TaskState,
    Urgency,
    Visibility,
    Written,
)
from incidents.models.history import Milestone, Redaction, StatusTransition, TimelineEvent
from incidents.models.incident import Incident, IncidentQuerySet
from incidents.models.obligation import Obligation, OwnRule, ReportingMoment
from incidents.models.people import AccessGrant, RoleAssignment, RoleOffer, Task
from incidents.models.policy import ResponsePolicy
from incidents.models.postmortem import Postmortem

__all__ = [
    "OVER",
    "SIDE_EXITS",
    "STEPS",
    "UPDATES",
    "AccessGrant",
    "ActionItem",
    "AlertDelivery",
    "AlertRecord",
    "AlertSource",
    "Audience",
    "Closure",
    "EventKind",
    "Impact",
    "Incident",
    "IncidentQuerySet",
    "Kind",
    "Milestone",
    "MilestoneKey",
    "Obligation",
    "Outcome",
    "OwnRule",
    "Postmortem",
    "Question",
    "Recorded",
    "Redaction",
    "Reply",
    "ReportingMoment",
    "ResponsePolicy",
    "Role",
    "RoleAssignment",
    "RoleOffer",
    "Severity",
    "Status",
    "StatusTransition",
    "Task",
    "TaskState",
    "TimelineEvent",
    "Urgency",
    "Visibility",
    "Written",
]
