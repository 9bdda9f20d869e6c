"""The verbs of the command: names, aliases, how each is said, and what is true afterwards. Data only.

Nothing here knows Slack, so that the console's palette and a command line can use the same words.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.vocabulary import CLOSURES


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


VERBS: tuple[Verb, ...] = (
    Verb(
        "declare",
        ("new", "create", "open"),
        "[sev1|sev2|sev3|sev4] title [--service name] [--env name] [--type word] [--private] [--drill]",
        "Declare an incident. Without a severity it is SEV3.",
        (
            "declare sev2 Checkout answers with errors --service checkout --env production",
            "declare sev1 Signing key in a public place --type security --private",
            "new sev3 Fail over to the standby --drill",
        ),
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
        "impact",
        (),
        "[INC-n] none|one|some|most|all [workaround|degrading|stopped] [reason]",
        "Say who is hit and how fast it gets worse; the severity follows by your matrix.",
        ("impact most stopped", "impact INC-7 some The trial customers only"),
    ),
    Verb(
        "matrix",
        (),
        "",
        "Show which severity impact and urgency give. Only you see it; sev matrix does the same.",
        ("matrix",),
    ),
    Verb(
        "title",
        ("subject",),
        "[INC-n] text",
        "Change the incident's title. The old title stays on the timeline.",
        ("title Checkout fails in Europe", "title INC-7 Checkout fails"),
    ),
    Verb(
        "summary",
        (),
        "[INC-n] text",
        "Change the incident's summary to what is known now.",
        ("summary Cards of one bank are refused since 14:05",),
    ),
    Verb(
        "type",
        (),
        "[INC-n] word",
        "Say what kind of trouble it is, in a word of your own.",
        ("type database",),
    ),
    Verb(
        "assign",
        ("role",),
        "[INC-n] ic|deputy|comms|ops|scribe|privacy [@person]",
        "Give a person a role, yourself when you name nobody. The role's word alone works too: ic @ben.",
        ("assign ic @ben", "comms @cora", "assign INC-7 scribe"),
    ),
    Verb(
        "page",
        ("escalate", "call"),
        "[INC-n] @person|@group|ic|roles|responders|service:name [reason]",
        "Page people, in Slack and through every notification adapter that is enabled. You see who is reached.",
        (
            "page @ben The replica does not catch up",
            "page group:oncall Checkout is down",
            "page ic",
            "escalate service:payments",
        ),
    ),
    Verb(
        "update",
        (),
        "[INC-n] text [--next 30m] [--internal|--executive|--customer|--public]",
        "Post a status update to the incident's timeline, and promise when the next one comes.",
        ("update Rolled back to 4.1, error rate is falling", "update --next 45m --customer Checkout works again"),
    ),
    Verb(
        "note",
        ("timeline", "event", "log"),
        "[INC-n] text [--at 14:05]",
        "Put on the timeline what you observed, and when it happened if that was earlier, in UTC.",
        ("note Deploy 4.2 had begun --at 14:05", "note INC-7 The queue is empty again"),
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
        "decline",
        (),
        "[INC-n] role reason",
        "Decline a role that you were given or offered, and say why.",
        ("decline ic I am on a plane from 15:00",),
    ),
    Verb(
        "handover",
        ("hand",),
        "[INC-n] role @person note",
        "Offer a role to somebody, with what they must know. You hold it until they accept.",
        ("handover ic @cora Rollback runs, next update at 14:20",),
    ),
    Verb(
        "drop",
        ("release",),
        "[INC-n] role",
        "Give a role back; nobody holds it then.",
        ("drop scribe",),
    ),
    Verb(
        "who",
        ("roles",),
        "[INC-n]",
        "Show who holds which role, and who has not accepted. Only you see it.",
        ("who", "who INC-7"),
    ),
    Verb(
        "task",
        ("todo",),
        "[INC-n] text [@person] [due 2h]",
        "Add a task to be done while the incident lasts.",
        ("task Check the replica's lag @ben", "todo INC-7 Call the provider due 2h"),
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
        "followup",
        ("action",),
        "[INC-n] text [@person] [due 14d] [detect|prevent|correct]",
        "Add an action item, to be done after the incident.",
        ("followup Alert on replica lag @ben due 14d detect", "followup INC-7 Write the failover runbook"),
    ),
    Verb(
        "followups",
        ("actions",),
        "[INC-n]",
        "List the action items of the incident. Only you see it.",
        ("followups", "followups INC-7"),
    ),
    Verb(
        "link",
        (),
        "[INC-n] INC-m|https://…|service:name [related|caused_by|child_of|regresses]",
        "Tie the incident to another one, to a ticket, or to a resource that it affects.",
        ("link INC-9 caused_by", "link INC-7 https://tracker.example/OPS-17", "link service:checkout"),
    ),
    Verb(
        "ticket",
        ("issue",),
        "[INC-n] [A-n] [tracker]",
        "Open a ticket in your tracker, for the incident or for one of its action items.",
        ("ticket A-3", "ticket INC-7", "ticket A-3 in Operations"),
    ),
    Verb(
        "tickets",
        ("issues",),
        "[INC-n]",
        "List the tickets of the incident and its action items, and how each stands. Only you see it.",
        ("tickets", "tickets INC-7"),
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
        "clock",
        ("deadlines", "clocks"),
        "[INC-n]",
        "Show the reporting obligations, what time is left, and when the next update is due. Only you see it.",
        ("clock", "deadlines INC-7"),
    ),
    Verb(
        "cost",
        (),
        "[INC-n]",
        "Show what the incident has cost so far. Only you see it.",
        ("cost", "cost INC-7"),
    ),
    Verb(
        "postmortem",
        ("pm", "retro"),
        "[INC-n]",
        "Draft the postmortem from the timeline as it is now, and show where it is.",
        ("postmortem", "pm INC-7"),
    ),
    Verb(
        "export",
        (),
        "[INC-n] [pdf|md|json|package]",
        "Get links to the postmortem and to the evidence package. Only you see them.",
        ("export pdf", "export INC-7 package"),
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
        "find",
        ("search",),
        "words",
        "Find incidents by their words, also those that are over. Only you see it.",
        ("find checkout replica",),
    ),
    Verb(
        "help",
        ("?",),
        "[verb]",
        "List the verbs, or show how one is used. Only you see it.",
        ("help", "help classify"),
    ),
)

BY_WORD: dict[str, Verb] = {word: verb for verb in VERBS for word in (verb.name, *verb.aliases)}
"""Every word that names a verb, aliases included, to its verb."""


def usage_of(verb: Verb, *, command: str) -> str:
    """Return the verb's pattern as it is typed: `/incident ack [INC-n]`."""
    return " ".join(part for part in (command, verb.name, verb.usage) if part)
