"""Every write of the incidents app. Doors import the verbs from here (docs/decisions/0007)."""

from __future__ import annotations

from incidents.lifecycle.action_items import (
    ActionItemChanged,
    ActionItemClosed,
    ActionItemOpen,
    add_action_item,
    change_action_item,
    close_action_item,
    drop_action_item,
    record_reminder,
    reopen_action_item,
    verify_effect,
)
from incidents.lifecycle.chat import record_chat
from incidents.lifecycle.classification import classify_incident
from incidents.lifecycle.handover import (
    NothingToAnswer,
    accept_role,
    decline_role,
    hand_over_role,
    record_unanswered_role,
)
from incidents.lifecycle.history import HistoryReport, HistorySource, import_history
from incidents.lifecycle.incident import acknowledge_incident, declare_incident
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
from incidents.lifecycle.review import (
    NotApproved,
    NotFinal,
    NotInReview,
    OwnWork,
    PostmortemChanged,
    SectionUnknown,
    approve_postmortem,
    ask_for_review,
    edit_section,
    publish_postmortem,
)
from incidents.lifecycle.role import assign_role, release_role
from incidents.lifecycle.saga import start_after_declaring
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
from incidents.lifecycle.task import add_task, change_task
from incidents.lifecycle.timeline import (
    post_update,
    record_alert,
    record_decision,
    record_link,
    record_missed_update,
    record_notices,
)

__all__ = [
    "ActionItemChanged",
    "ActionItemClosed",
    "ActionItemOpen",
    "GuardsNotMet",
    "HistoryReport",
    "HistorySource",
    "IncidentAlreadyResolved",
    "IncidentIsHistory",
    "IncidentMoved",
    "KeyInUse",
    "NotAResponder",
    "NotApproved",
    "NotFinal",
    "NotInReview",
    "NothingToAnswer",
    "OverrideNotAllowed",
    "OwnWork",
    "PolicyChanged",
    "PostmortemChanged",
    "ReasonTooShort",
    "RoleNotHeld",
    "SectionUnknown",
    "TransitionNotAllowed",
    "accept_incident",
    "accept_role",
    "acknowledge_incident",
    "add_action_item",
    "add_task",
    "approve_postmortem",
    "ask_for_review",
    "assign_role",
    "cancel_incident",
    "change_action_item",
    "change_response_policy",
    "change_task",
    "classify_incident",
    "close_action_item",
    "declare_incident",
    "decline_incident",
    "decline_role",
    "draft_postmortem",
    "drop_action_item",
    "edit_section",
    "hand_over_role",
    "import_history",
    "mitigate_incident",
    "move_incident",
    "post_update",
    "publish_postmortem",
    "record_alert",
    "record_chat",
    "record_decision",
    "record_link",
    "record_missed_update",
    "record_notices",
    "record_reminder",
    "record_unanswered_role",
    "release_role",
    "reopen_action_item",
    "reopen_incident",
    "request_postmortem",
    "resolve_incident",
    "start_after_declaring",
    "start_monitoring",
    "store_rendering",
    "verify_effect",
]
