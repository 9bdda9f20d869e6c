"""The words of the command besides its verbs: roles, severities, flags. Data only, for the sentence's reader."""

from __future__ import annotations

SEVERITIES = {"sev1": "SEV1", "sev2": "SEV2", "sev3": "SEV3", "sev4": "SEV4"}

DEFAULT_SEVERITY = "SEV3"
"""What an incident is declared with when nobody says how severe it is. The answer says so."""

ROLES = {
    "ic": "COMMANDER",
    "commander": "COMMANDER",
    "captain": "COMMANDER",
    "lead": "COMMANDER",
    "comms": "COMMUNICATIONS",
    "communications": "COMMUNICATIONS",
    "ops": "OPERATIONS",
    "operations": "OPERATIONS",
    "scribe": "SCRIBE",
    "deputy": "DEPUTY",
    "privacy": "PRIVACY",
    "legal": "PRIVACY",
}
"""Word to role. Each is also a verb of its own: `ic @ben` is `assign ic @ben`."""

SEVERITY_WORDS = {
    "SEV1": "Customers cannot use it",
    "SEV2": "Part of it is down",
    "SEV3": "Degraded, has a workaround",
    "SEV4": "Minor, no rush",
}
"""What each severity means, for menus."""

ROLE_LABELS = {
    "COMMANDER": "Commander",
    "OPERATIONS": "Operations",
    "COMMUNICATIONS": "Communications",
    "SCRIBE": "Scribe",
    "DEPUTY": "Deputy",
    "PRIVACY": "Legal and privacy",
}
"""Role to what menus call it."""

HOLDERS, RESPONDERS = "HOLDERS", "RESPONDERS"
CALLED = {"roles": HOLDERS, "everybody": HOLDERS, "responders": RESPONDERS}
"""Word to whom `page` calls: everybody who holds a role in the incident, or who may respond at all."""

CLOSURES = {
    "false-positive": "FALSE_POSITIVE",
    "known-issue": "KNOWN_ISSUE",
    "planned-change": "PLANNED_CHANGE",
    "test": "TEST",
    "opened-in-error": "OPENED_IN_ERROR",
    "external": "EXTERNAL",
}
"""Word to why something was no incident."""

FLAGS = {
    "service": "service",
    "env": "environment",
    "environment": "environment",
    "sev": "severity",
    "type": "type",
}
"""Flags of `declare`, without their dashes, to the argument that they fill."""

LISTS = ("open", "mine", *SEVERITIES)
"""What `list` can be narrowed to. Without a word it is `open`."""

YES = "yes"
SWITCHES = {"private": ("private", YES), "drill": ("drill", YES), "practice": ("drill", YES)}
"""Flags of `declare` that take no value, to the argument that they fill and its value."""

UPDATE_FLAGS = {"next": "next"}
AUDIENCES = {
    "internal": "INTERNAL",
    "executive": "EXECUTIVE",
    "customer": "CUSTOMER",
    "customers": "CUSTOMER",
    "public": "PUBLIC",
}
"""Switch of `update`, without its dashes, to whom the update is written for."""
AUDIENCE_LABELS = {
    "INTERNAL": "Responders",
    "EXECUTIVE": "Executives",
    "CUSTOMER": "Customers",
    "PUBLIC": "Everybody",
}

NOTE_FLAGS = {"at": "at"}

IMPACTS = {"none": "NONE", "one": "ONE", "some": "SOME", "most": "MOST", "all": "ALL"}
IMPACT_LABELS = {
    "NONE": "Nobody yet",
    "ONE": "One customer",
    "SOME": "Some customers",
    "MOST": "Most customers",
    "ALL": "All customers, data at risk, or safety",
}
URGENCIES = {"workaround": "WORKAROUND", "degrading": "DEGRADING", "stopped": "STOPPED"}
URGENCY_LABELS = {
    "WORKAROUND": "There is a workaround",
    "DEGRADING": "It is getting worse",
    "STOPPED": "Work has stopped",
}

DEFAULT_FOLLOW_UP = "PREVENT"
FOLLOW_UPS = {"detect": "DETECT", "prevent": "PREVENT", "correct": "CORRECT"}
FOLLOW_UP_LABELS = {
    "PREVENT": "Prevent it",
    "DETECT": "Detect it sooner",
    "CORRECT": "Correct what it left",
}
"""What an action item is for."""

LINKS = {
    "related": "RELATED_TO",
    "related_to": "RELATED_TO",
    "caused_by": "CAUSED_BY",
    "child_of": "CHILD_OF",
    "part_of": "CHILD_OF",
    "regresses": "REGRESSES",
    "return_of": "REGRESSES",
}
"""Word to how an incident is tied to another."""
LINK_LABELS = {
    "RELATED_TO": "is related to it",
    "CAUSED_BY": "is caused by it",
    "CHILD_OF": "is part of it",
    "REGRESSES": "is a return of it",
}

FORMATS = {"pdf": "PDF", "md": "Markdown", "json": "JSON", "package": "Evidence package"}
"""What `export` gives, and what it is called."""

ALSO_OVER = frozenset(
    {"postmortem", "export", "cost", "clock", "who", "note", "followup", "followups", "link", "title", "summary"}
    | {"ticket", "tickets"}
)
"""Verbs that are also about an incident that is over: while none is active, the one that was resolved last is meant."""
