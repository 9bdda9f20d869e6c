"""The words of the command: verbs, aliases, roles, severities. Data only; chatops.grammar reads sentences with it.

Nothing here knows Slack, so that the console's palette and a command line can use the same words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One thing that can be said, and how."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    """What follows the verb; [brackets] may be left out."""
    summary: str
    """One sentence: what is true afterwards."""
    examples: tuple[str, ...]
    """Whole sentences, beginning with the verb. Each parses to this verb (a test holds them to it)."""


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

CLOSURES = {
    "false-positive": "FALSE_POSITIVE",
    "known-issue": "KNOWN_ISSUE",
    "planned-change": "PLANNED_CHANGE",
    "test": "TEST",
    "opened-in-error": "OPENED_IN_ERROR",
    "external": "EXTERNAL",
}
"""Word to why something was no incident."""

FLAGS = {"service": "service", "env": "environment", "environment": "environment", "sev": "severity"}
"""Flags of `declare`, without their dashes, to the argument that they fill."""

LISTS = ("open", "mine", *SEVERITIES)
"""What `list` can be narrowed to. Without a word it is `open`."""

VERBS: tuple[Verb, ...] = (
    Verb(
        "declare",
        ("new", "create", "open"),
        "[sev1|sev2|sev3|sev4] title [--service name] [--env name]",
        "Declare an incident. Without a severity it is SEV3.",
        ("declare sev2 Checkout answers with errors --service checkout --env production",),
    ),
    Verb(
        "ack",
        ("acknowledge",),
        "[INC-n]",
        "Say that you have seen the incident and are on it.",
        ("ack", "ack INC-7"),
    ),
    Verb(
        "classify",
        ("sev", "severity"),
        "[INC-n] sev1|sev2|sev3|sev4 [reason]",
        "Change how severe the incident is.",
        ("classify sev1 Payments fail in every region", "sev 3"),
    ),
    Verb(
        "assign",
        ("role",),
        "[INC-n] ic|deputy|comms|ops|scribe|privacy [@person]",
        "Give a person a role, yourself when you name nobody. The role's word alone works too: ic @ben.",
        ("assign ic @ben", "comms @cora", "assign INC-7 scribe"),
    ),
    Verb(
        "update",
        (),
        "[INC-n] text",
        "Post a status update to the incident's timeline.",
        ("update Rolled back to 4.1, error rate is falling",),
    ),
    Verb(
        "decide",
        ("decision",),
        "[INC-n] text",
        "Record a decision, also one not to act, and why.",
        ("decide We do not fail over: the standby is 40 minutes behind",),
    ),
    Verb(
        "accept",
        ("yes",),
        "[INC-n] [role]",
        "Accept a role that you were given or offered; without a role, accept that this is an incident.",
        ("accept ic", "accept INC-7"),
    ),
    Verb(
        "handover",
        ("hand",),
        "[INC-n] role @person note",
        "Offer a role to somebody, with what they must know. You hold it until they accept.",
        ("handover ic @cora Rollback runs, next update at 14:20",),
    ),
    Verb(
        "task",
        ("todo",),
        "[INC-n] text [@person]",
        "Add a task to be done while the incident lasts.",
        ("task Check the replica's lag @ben", "todo INC-7 Call the provider"),
    ),
    Verb(
        "tasks",
        (),
        "[INC-n]",
        "List the incident's tasks. Only you see it.",
        ("tasks", "tasks INC-7"),
    ),
    Verb(
        "done",
        (),
        "[INC-n] number",
        "A task of the incident is done.",
        ("done 2", "done INC-7 2"),
    ),
    Verb(
        "mitigated",
        ("mit", "mitigate"),
        "[INC-n] [how]",
        "The impact has stopped; the cause may still be there.",
        ("mitigated Traffic is off the bad shard", "mit"),
    ),
    Verb(
        "monitoring",
        ("watch",),
        "[INC-n] [what is watched]",
        "The fix is in, and you watch whether it holds.",
        ("monitoring Error rate for 30 minutes", "watch"),
    ),
    Verb(
        "resolved",
        ("resolve", "fixed"),
        "[INC-n] [note]",
        "The incident is over. Its postmortem is drafted from the timeline.",
        ("resolved INC-7 Quota raised", "fixed"),
    ),
    Verb(
        "reopen",
        (),
        "[INC-n] reason",
        "A resolved incident is back. History stays as it was.",
        ("reopen INC-7 Errors are back since 14:05",),
    ),
    Verb(
        "cancel",
        (),
        "[INC-n] " + "|".join(CLOSURES) + " reason",
        "It was no incident: say in one word why, and explain.",
        ("cancel false-positive The probe itself was broken", "cancel INC-7 test A drill that was not announced"),
    ),
    Verb(
        "duplicate",
        ("dup",),
        "[INC-n] of INC-m",
        "It is the same as another incident, which goes on.",
        ("duplicate INC-8 of INC-7", "dup of INC-7"),
    ),
    Verb(
        "status",
        ("show",),
        "[INC-n]",
        "Show where an incident stands and who has it. Only you see it.",
        ("status", "status INC-7"),
    ),
    Verb(
        "list",
        ("ls",),
        "[open|mine|sev1|sev2|sev3|sev4]",
        "List the incidents that are not resolved. Only you see it.",
        ("list", "list mine", "list sev1"),
    ),
    Verb(
        "help",
        ("?",),
        "[verb]",
        "Show what can be said, or how one verb is used. Only you see it.",
        ("help", "help classify"),
    ),
)

BY_WORD: dict[str, Verb] = {word: verb for verb in VERBS for word in (verb.name, *verb.aliases)}
"""Every word that names a verb, aliases included, to its verb."""


def usage_of(verb: Verb, *, command: str) -> str:
    """Return the verb's pattern as it is typed: `/incident ack [INC-n]`."""
    return " ".join(part for part in (command, verb.name, verb.usage) if part)
