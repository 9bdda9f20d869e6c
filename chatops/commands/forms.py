"""Every verb as a form: its fields, and how their values become the same arguments that the grammar reads.

Nothing here knows Slack; chatops.slack.render.modals draws these forms there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chatops.commands import form_values
from chatops.commands.arguments import About, Args, Command
from chatops.commands.vocabulary import (
    AUDIENCE_LABELS,
    FOLLOW_UP_LABELS,
    IMPACT_LABELS,
    LINK_LABELS,
    URGENCY_LABELS,
    YES,
)


@dataclass(frozen=True)
class Field:
    """One thing that is asked for."""

    name: str
    """As in the grammar's arguments."""
    kind: str
    """line, text, severity, role, person, closure, choice, or one of chatops.commands.menus.READ."""
    label: str
    optional: bool = False
    hint: str = ""
    most: int = 3000
    """Longest value, in characters."""
    choices: tuple[tuple[str, str], ...] = ()
    """Of a choice: label and value of each, in order."""
    empty: str = ""
    """What an optional menu that is left alone means, where its hint does not say so."""
    complains: tuple[str, ...] = ()
    """Other names under which the verb complains about it."""


@dataclass(frozen=True)
class Form:
    """What a verb asks for."""

    title: str
    """At most 24 characters, as every text of a modal's frame."""
    submit: str
    fields: tuple[Field, ...]
    is_about_one: bool = True
    """Whether it is about one incident, which is asked for when it is not clear."""
    asks_when_bare: bool = True
    """Whether the verb alone, without a text, opens the form instead of acting at once."""
    read: Callable[[int | None, Mapping[str, str]], Args] = field(
        default=lambda incident, values: About(incident, values.get("text", ""))
    )


def _text(
    label: str, *, optional: bool = False, hint: str = "", complains: tuple[str, ...] = ("reason", "to")
) -> Field:
    return Field("text", "text", label, optional, hint, complains=complains)


def _line(label: str, *, most: int, complains: tuple[str, ...]) -> Field:
    return Field("text", "line", label, most=most, complains=complains)


def _labelled(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((label, key) for key, label in labels.items())


def _due(label: str) -> Field:
    return Field("due", "line", label, True, "2h, 3d or 2026-12-01.", 16, complains=("due_at", "due_date"))


FORMS: dict[str, Form] = {
    "declare": Form(
        "Declare an incident",
        "Declare",
        (
            Field("title", "line", "What is broken?", most=200),
            Field("severity", "severity", "How bad is it?", hint="Not sure? Take the worse one: it can be lowered."),
            Field("service", "line", "Service", optional=True, most=200),
            Field("environment", "environment", "Environment", optional=True, empty="All environments"),
            Field("summary", "text", "What do we know?", optional=True),
            Field("type", "line", "What kind of trouble?", optional=True, most=40, complains=("incident_type",)),
            Field(
                "private",
                "choice",
                "Who may read it?",
                True,
                choices=(("Only who works on it", YES),),
                empty="Everybody here",
            ),
            Field(
                "drill",
                "choice",
                "Is it a drill?",
                True,
                choices=(("A drill", YES),),
                empty="No, it is real",
                complains=("kind",),
            ),
        ),
        is_about_one=False,
        read=form_values.read_declare,
    ),
    "ack": Form("Acknowledge", "I am on it", (), asks_when_bare=False),
    "classify": Form(
        "Change the severity",
        "Change it",
        (
            Field("severity", "severity", "How bad is it?"),
            Field("reason", "text", "Why?", optional=True, hint="Needed to lower it."),
        ),
        read=form_values.read_classify,
    ),
    "assign": Form(
        "Assign a role",
        "Assign",
        (
            Field("role", "role", "Role"),
            Field("person", "person", "Who?", optional=True, hint="Nobody chosen: you.", complains=("user",)),
        ),
        read=form_values.read_assign,
    ),
    "impact": Form(
        "Say who is hit",
        "Classify",
        (
            Field("impact", "choice", "Who is hit?", choices=_labelled(IMPACT_LABELS)),
            Field("urgency", "choice", "How fast does it get worse?", True, choices=_labelled(URGENCY_LABELS)),
            Field("reason", "text", "Why?", optional=True, hint="Needed where the severity falls by it."),
        ),
        read=form_values.read_affect,
    ),
    "title": Form("Change the title", "Change it", (_line("What is broken?", most=200, complains=("title",)),)),
    "summary": Form("Change the summary", "Change it", (_text("What is known?", complains=("summary",)),)),
    "type": Form(
        "Say what kind it is", "Change it", (_line("What kind of trouble?", most=40, complains=("incident_type",)),)
    ),
    "page": Form(
        "Call somebody in",
        "Call",
        (
            Field("person", "person", "Who?", True, "Or name a group, role or service below.", complains=("user",)),
            Field(
                "team", "line", "Or a group, role or service", True, "@oncall, ic, responders, service:payments.", 100
            ),
            Field("reason", "text", "Why?", optional=True),
        ),
        read=form_values.read_page,
    ),
    "update": Form(
        "Post an update",
        "Post",
        (
            _text("What is new?", complains=("text",)),
            Field(
                "audience",
                "choice",
                "Audience",
                True,
                "Nobody chosen: the responders.",
                choices=_labelled(AUDIENCE_LABELS),
            ),
            Field(
                "next",
                "line",
                "Next update in",
                True,
                "30m or 2h. Empty: by the cadence.",
                8,
                complains=("next_update_in",),
            ),
        ),
        read=form_values.read_update,
    ),
    "note": Form(
        "Add a note",
        "Add",
        (
            _text("What did you observe?", complains=("text",)),
            Field(
                "at",
                "line",
                "When was it?",
                True,
                "14:05 or 2026-12-01 14:05, in UTC. Empty: now.",
                16,
                complains=("occurred_at",),
            ),
        ),
        read=form_values.read_note,
    ),
    "decide": Form("Record a decision", "Record", (_text("What was decided, and why?", complains=("text",)),)),
    "accept": Form(
        "Accept a role", "Accept", (Field("role", "role", "Role"),), asks_when_bare=False, read=form_values.read_accept
    ),
    "decline": Form(
        "Decline a role",
        "Decline",
        (Field("role", "role", "Role"), Field("reason", "text", "Why?")),
        read=form_values.read_decline,
    ),
    "drop": Form("Give a role back", "Give it back", (Field("role", "role", "Role"),), read=form_values.read_drop),
    "handover": Form(
        "Hand a role over",
        "Offer it",
        (
            Field("role", "role", "Role"),
            Field("person", "person", "New holder", complains=("to", "user")),
            Field("note", "text", "What must they know?"),
        ),
        read=form_values.read_hand_over,
    ),
    "task": Form(
        "Add a task",
        "Add",
        (
            Field("text", "line", "What is to be done?", most=200, complains=("title",)),
            Field("person", "person", "Who?", optional=True, complains=("assignee", "user")),
            _due("Until when?"),
        ),
        read=form_values.read_todo,
    ),
    "followup": Form(
        "Add an action item",
        "Add",
        (
            Field("text", "line", "What is to be done afterwards?", most=200, complains=("title",)),
            Field("type", "choice", "What is it for?", choices=_labelled(FOLLOW_UP_LABELS)),
            Field("person", "person", "Who owns it?", optional=True, complains=("owner", "user")),
            _due("Until when?"),
        ),
        read=form_values.read_follow_up,
    ),
    "link": Form(
        "Link the incident",
        "Link",
        (
            Field(
                "target",
                "line",
                "To what?",
                hint="INC-9, an address, or service:checkout.",
                most=500,
                complains=("url", "name", "resource"),
            ),
            Field(
                "kind",
                "choice",
                "To an incident: how?",
                True,
                "Nothing chosen: related.",
                choices=_labelled(LINK_LABELS),
            ),
        ),
        read=form_values.read_link,
    ),
    "ticket": Form(
        "Open a ticket",
        "Open it",
        (
            Field("item", "item", "About what?", True, empty="The incident itself"),
            Field("tracker", "tracker", "In which tracker?"),
        ),
        read=form_values.read_ticket,
    ),
    "find": Form(
        "Find incidents",
        "Find",
        (Field("text", "line", "Which words?", most=200),),
        is_about_one=False,
        read=form_values.read_find,
    ),
    "done": Form(
        "A task is done", "Done", (Field("number", "line", "Number of the task", most=9),), read=form_values.read_done
    ),
    "cancel": Form(
        "It was no incident",
        "Cancel it",
        (Field("closure", "closure", "In one word"), Field("reason", "text", "Why?", complains=("to",))),
        read=form_values.read_cancel,
    ),
    "duplicate": Form(
        "It is a duplicate",
        "Merge",
        (Field("original", "line", "Of which incident?", hint="Its code, INC-7.", most=12, complains=("to",)),),
        read=form_values.read_duplicate,
    ),
    "mitigated": Form("The impact has stopped", "Mitigated", (_text("How was it stopped?", optional=True),)),
    "monitoring": Form("The fix is in", "Monitoring", (_text("What is watched, how long?", optional=True),)),
    "resolved": Form("The incident is over", "Resolved", (_text("What resolved it?", optional=True),)),
    "reopen": Form("Reopen", "Reopen", (_text("Why is it back?"),)),
}
"""Verb to form. Verbs that only show something have none."""


def command_of(verb: str, *, incident: int | None, values: Mapping[str, str]) -> Command:
    """Return what a filled-in form says."""
    return Command(verb, FORMS[verb].read(incident, values))


def field_at_fault(form: Form, name: str) -> str:
    """Return the field that a verb's complaint about `name` belongs to; empty if the form has none for it."""
    for each in form.fields:
        if name == each.name or name in each.complains:
            return each.name
    return ""


def wants_form(understood: Command) -> bool:
    """Whether the verb alone was said, and there is more that it could be told."""
    form = FORMS.get(understood.verb)
    return form is not None and form.asks_when_bare and isinstance(understood.args, About) and not understood.args.text
