"""Every write of the incidents app. Doors import the verbs from here (docs/decisions/0007)."""

from __future__ import annotations

from incidents.lifecycle.chat import record_chat
from incidents.lifecycle.history import HistoryReport, HistorySource, import_history
from incidents.lifecycle.incident import acknowledge_incident, classify_incident, declare_incident
from incidents.lifecycle.policy import PolicyChanged, change_response_policy
from incidents.lifecycle.postmortem import draft_postmortem, request_postmortem, store_rendering
from incidents.lifecycle.refusals import (
    GuardsNotMet,
    IncidentAlreadyResolved,
    IncidentIsHistory,
    IncidentMoved,
    KeyInUse,
    NotAResponder,
    OverrideNotAllowed,
    ReasonTooShort,
    RoleNotHeld,
    TransitionNotAllowed,
)
from incidents.lifecycle.role import assign_role, release_role
from incidents.lifecycle.status import (
    accept_incident,
    cancel_incident,
    decline_incident,
    mitigate_incident,
    move_incident,
    reopen_incident,
    resolve_incident,
    start_monitoring,
)
from incidents.lifecycle.timeline import post_update, record_alert, record_decision, record_link, record_notices

__all__ = [
    "GuardsNotMet",
    "HistoryReport",
    "HistorySource",
    "IncidentAlreadyResolved",
    "IncidentIsHistory",
    "IncidentMoved",
    "KeyInUse",
    "NotAResponder",
    "OverrideNotAllowed",
    "PolicyChanged",
    "ReasonTooShort",
    "RoleNotHeld",
    "TransitionNotAllowed",
    "accept_incident",
    "acknowledge_incident",
    "assign_role",
    "cancel_incident",
    "change_response_policy",
    "classify_incident",
    "declare_incident",
    "decline_incident",
    "draft_postmortem",
    "import_history",
    "mitigate_incident",
    "move_incident",
    "post_update",
    "record_alert",
    "record_chat",
    "record_decision",
    "record_link",
    "record_notices",
    "release_role",
    "reopen_incident",
    "request_postmortem",
    "resolve_incident",
    "start_monitoring",
    "store_rendering",
]
