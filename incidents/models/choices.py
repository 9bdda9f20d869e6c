"""The closed lists of words that incidents are described with."""

from __future__ import annotations

from django.db import models


class Severity(models.TextChoices):
    SEV1 = "SEV1", "SEV1"
    SEV2 = "SEV2", "SEV2"
    SEV3 = "SEV3", "SEV3"
    SEV4 = "SEV4", "SEV4"


class Status(models.TextChoices):
    """Where an incident stands. An organisation may rename labels, never these keys: verbs and metrics rest on them."""

    TRIAGE = "TRIAGE", "Triage"
    OPEN = "OPEN", "Open"
    MITIGATED = "MITIGATED", "Mitigated"
    MONITORING = "MONITORING", "Monitoring"
    RESOLVED = "RESOLVED", "Resolved"
    DECLINED = "DECLINED", "Declined"
    CANCELED = "CANCELED", "Canceled"
    DUPLICATE = "DUPLICATE", "Duplicate"


STEPS = (Status.OPEN, Status.MITIGATED, Status.MONITORING, Status.RESOLVED)
"""The four that a response passes through, in order."""
SIDE_EXITS = (Status.DECLINED, Status.CANCELED, Status.DUPLICATE)
"""Ends of what was no incident, or not one of its own."""
OVER = (Status.RESOLVED, *SIDE_EXITS)
"""Nobody works on it any more."""


class Closure(models.TextChoices):
    """Why something was no incident."""

    FALSE_POSITIVE = "FALSE_POSITIVE", "False positive"
    KNOWN_ISSUE = "KNOWN_ISSUE", "Known issue"
    PLANNED_CHANGE = "PLANNED_CHANGE", "Planned change"
    TEST = "TEST", "Test"
    OPENED_IN_ERROR = "OPENED_IN_ERROR", "Opened in error"
    EXTERNAL = "EXTERNAL", "Somebody else's"


class Impact(models.TextChoices):
    """How much is hit; the worse one if unsure."""

    NONE = "NONE", "Nobody yet"
    ONE = "ONE", "One customer"
    SOME = "SOME", "Some customers"
    MOST = "MOST", "Most customers"
    ALL = "ALL", "All customers, data at risk, or safety"


class Urgency(models.TextChoices):
    """How fast it gets worse."""

    WORKAROUND = "WORKAROUND", "There is a workaround"
    DEGRADING = "DEGRADING", "It is getting worse"
    STOPPED = "STOPPED", "Work has stopped"


class Question(models.TextChoices):
    """Asked of every incident, because reporting obligations hang on the answers."""

    PERSONAL_DATA = "personal_data", "Is personal data affected?"
    FINANCIAL_SERVICE = "financial_service", "Is a financial service affected?"
    ESSENTIAL_SERVICE = "essential_service", "Is an essential or important service affected?"
    MALICIOUS = "malicious", "Do you suspect malice?"


class Reply(models.TextChoices):
    """An answer. UNKNOWN is one: somebody has to find out, and nothing waits for it."""

    YES = "YES", "Yes"
    NO = "NO", "No"
    UNKNOWN = "UNKNOWN", "Not known yet"


class Audience(models.TextChoices):
    """Whom an update is written for."""

    INTERNAL = "INTERNAL", "Responders"
    EXECUTIVE = "EXECUTIVE", "Executives"
    CUSTOMER = "CUSTOMER", "Customers"
    PUBLIC = "PUBLIC", "Everybody"


class TaskState(models.TextChoices):
    OPEN = "OPEN", "Open"
    DOING = "DOING", "Doing"
    BLOCKED = "BLOCKED", "Blocked"
    DONE = "DONE", "Done"
    CANCELED = "CANCELED", "Canceled"


class Visibility(models.TextChoices):
    """Who may read an incident."""

    NORMAL = "NORMAL", "Everybody here"
    PRIVATE = "PRIVATE", "Only who works on it"


class MilestoneKey(models.TextChoices):
    """The moments that people assert; the others follow from what they do."""

    IMPACT_STARTED = "impact_started", "Impact began"
    DETECTED = "detected", "Detected"
    IDENTIFIED = "identified", "Cause found"
    IMPACT_ENDED = "impact_ended", "Impact ended"


class Recorded(models.TextChoices):
    """What the record of an incident has to say once it is over, where the response policy asks for it."""

    IMPACT = "impact", "Impact"
    CAUSE = "cause", "Cause"
    MILESTONES = "milestones", "Milestones"
    SEVERITY = "severity_assessment", "Severity assessment"
    REPORTING = "reporting_assessment", "Reporting assessment"
    POSTMORTEM = "postmortem", "Postmortem"
    ACTION_ITEMS = "action_items", "Action items"


class Written(models.TextChoices):
    """The sections of a postmortem that only people can write."""

    FACTORS = "factors", "Contributing factors"
    HELPED = "helped", "What helped"
    HARDER = "harder", "What made it harder"
    LESSONS = "lessons", "Lessons"


class Kind(models.TextChoices):
    REAL = "REAL", "Real"
    IMPORTED = "IMPORTED", "Imported"
    PRACTICE = "PRACTICE", "Practice"


class Role(models.TextChoices):
    COMMANDER = "COMMANDER", "Commander"
    OPERATIONS = "OPERATIONS", "Operations"
    COMMUNICATIONS = "COMMUNICATIONS", "Communications"
    SCRIBE = "SCRIBE", "Scribe"
    DEPUTY = "DEPUTY", "Deputy"
    PRIVACY = "PRIVACY", "Legal and privacy"


class EventKind(models.TextChoices):
    """What an entry of the timeline says. The list is closed: wording and filters answer for each."""

    DECLARED = "incident.declared", "Declared"
    ACKNOWLEDGED = "incident.acknowledged", "Acknowledged"
    STATUS_CHANGED = "status.changed", "Status changed"
    REOPENED = "status.reopened", "Reopened"
    GUARD_OVERRIDDEN = "guard.overridden", "Guard overridden"
    SEVERITY_CHANGED = "severity.changed", "Severity changed"
    TYPE_CHANGED = "type.changed", "Type changed"
    SERVICE_CHANGED = "service.changed", "Service changed"
    TITLE_CHANGED = "title.changed", "Title changed"
    SUMMARY_CHANGED = "summary.changed", "Summary changed"
    IMPACT_CHANGED = "impact.changed", "Impact changed"
    QUESTION_ANSWERED = "question.answered", "Question answered"
    ROLE_OFFERED = "role.offered", "Role offered"
    ROLE_ACCEPTED = "role.accepted", "Role accepted"
    ROLE_DECLINED = "role.declined", "Role declined"
    ROLE_UNANSWERED = "role.unanswered", "Role not accepted in time"
    UPDATE_MISSED = "comms.update_missed", "Update missed"
    TASK_ADDED = "task.added", "Task added"
    TASK_CHANGED = "task.changed", "Task changed"
    NOTE_ADDED = "note.added", "Note"
    ENTRY_CORRECTED = "entry.corrected", "Correction"
    REDACTION_REQUESTED = "entry.redaction_requested", "Redaction asked for"
    REDACTION_REFUSED = "entry.redaction_refused", "Redaction refused"
    REDACTION_WITHDRAWN = "entry.redaction_withdrawn", "Request to redact withdrawn"
    ENTRY_REDACTED = "entry.redacted", "Entry redacted"
    MILESTONE_SET = "milestone.set", "Milestone set"
    VISIBILITY_CHANGED = "visibility.changed", "Visibility changed"
    ACCESS_GRANTED = "access.granted", "Access granted"
    PRIVATE_READ = "access.break_glass", "Read by permission"
    ACCESS_REVOKED = "access.revoked", "Access revoked"
    LINK_ADDED = "link.added", "Linked"
    LINK_ENDED = "link.ended", "Link ended"
    TICKET_OPENED = "ticket.opened", "Ticket opened"
    TICKET_LINKED = "ticket.linked", "Ticket linked"
    TICKET_CHANGED = "ticket.changed", "Ticket changed"
    TICKET_UNLINKED = "ticket.unlinked", "Ticket unlinked"
    OBLIGATION_ARMED = "obligation.armed", "Reporting obligation to be decided"
    OBLIGATION_DECIDED = "obligation.decided", "Reporting obligation decided"
    OBLIGATION_REOPENED = "obligation.reopened", "Reporting obligation asked again"
    OBLIGATION_DUE_SOON = "obligation.due_soon", "Deadline near"
    OBLIGATION_MISSED = "obligation.missed", "Deadline missed"
    OBLIGATION_FILED = "obligation.filed", "Report filed"
    REPORTING_MOMENT = "obligation.moment_asserted", "Moment for a clock asserted"
    ROLE_ASSIGNED = "role.assigned", "Role assigned"
    ROLE_RELEASED = "role.released", "Role released"
    UPDATE_POSTED = "comms.update_posted", "Update"
    PAGED = "responder.paged", "Responder called"
    NOTICE_SENT = "notice.sent", "Notices sent"
    DECISION_RECORDED = "decision.recorded", "Decision"
    ALERT_FIRED = "alert.fired", "Alert fired"
    ALERT_RESOLVED = "alert.resolved", "Alert resolved"
    ALERT_STILL_FIRING = "alert.still_firing", "Alert still fires"
    ALERTS_LEFT_OUT = "alert.left_out", "Alerts left out"
    RUN_FINISHED = "run.finished", "Run finished"
    EVIDENCE_ATTACHED = "evidence.attached", "Evidence attached"
    MEASURES_READ = "measures.read", "Measures read"
    CONTROLS_READ = "controls.read", "Evidence of controls read"
    POSTMORTEM_DRAFTED = "postmortem.drafted", "Postmortem drafted"
    POSTMORTEM_EDITED = "postmortem.edited", "Postmortem edited"
    POSTMORTEM_REVIEW_ASKED = "postmortem.review_asked", "Review asked for"
    POSTMORTEM_CHANGES_REQUESTED = "postmortem.changes_requested", "Changes requested"
    POSTMORTEM_APPROVED = "postmortem.approved", "Postmortem approved"
    POSTMORTEM_PUBLISHED = "postmortem.published", "Postmortem published"
    ACTION_ADDED = "action.added", "Action item added"
    ACTION_CHANGED = "action.changed", "Action item changed"
    ACTION_CLOSED = "action.closed", "Action item closed"
    IMPORTED_UPDATE = "imported.update", "Imported update"
    CHANNEL_OPENED = "chat.channel_opened", "Channel opened"
    CHANNEL_SHARED = "chat.channel_shared", "Channel shared with outsiders"
    MESSAGE_CAPTURED = "chat.message_captured", "Message captured"
    MESSAGE_EDITED = "chat.message_edited", "Captured message edited"
    MESSAGE_DELETED = "chat.message_deleted", "Captured message deleted"
    MESSAGE_UNPINNED = "chat.message_unpinned", "Captured message unmarked"
    RECONSTRUCTED = "degraded.reconstructed", "Reconstructed"


UPDATES = (EventKind.UPDATE_POSTED, EventKind.IMPORTED_UPDATE)
"""Entries that kept people outside the response informed, here or in the system before this one."""
