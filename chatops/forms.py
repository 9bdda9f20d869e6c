"""Every verb as a form: its fields, and how their values become the same arguments that the grammar reads.

Nothing here knows Slack; chatops.modals draws these forms there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chatops.grammar import (
    About,
    Accept,
    Args,
    Assign,
    Cancel,
    Classify,
    Command,
    Declare,
    Duplicate,
    HandOver,
    Person,
    TaskDone,
    Todo,
)
from chatops.tokens import number_of
from chatops.vocabulary import DEFAULT_SEVERITY


@dataclass(frozen=True)
class Field:
    """One thing that is asked for."""

    name: str
    """As in the grammar's arguments."""
    kind: str
    """line, text, severity, role, person, environment, closure."""
    label: str
    optional: bool = False
    hint: str = ""
    most: int = 3000
    """Longest value, in characters."""
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


def _declare(incident: int | None, values: Mapping[str, str]) -> Declare:
    severity = values.get("severity", "")
    return Declare(
        title=values.get("title", ""),
        severity=severity or DEFAULT_SEVERITY,
        severity_said=bool(severity),
        service=values.get("service", ""),
        environment=values.get("environment", ""),
        summary=values.get("summary", ""),
    )


def _classify(incident: int | None, values: Mapping[str, str]) -> Classify:
    return Classify(values.get("severity", ""), incident, values.get("reason", ""))


def _assign(incident: int | None, values: Mapping[str, str]) -> Assign:
    person = values.get("person", "")
    return Assign(values.get("role", ""), Person(id=person) if person else None, incident)


def _accept(incident: int | None, values: Mapping[str, str]) -> Accept:
    return Accept(values.get("role", ""), incident)


def _hand_over(incident: int | None, values: Mapping[str, str]) -> HandOver:
    return HandOver(values.get("role", ""), Person(id=values.get("person", "")), values.get("note", ""), incident)


def _todo(incident: int | None, values: Mapping[str, str]) -> Todo:
    person = values.get("person", "")
    return Todo(values.get("text", ""), Person(id=person) if person else None, incident)


def _done(incident: int | None, values: Mapping[str, str]) -> TaskDone:
    number = values.get("number", "").lstrip("#")
    return TaskDone(int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0, incident)


def _cancel(incident: int | None, values: Mapping[str, str]) -> Cancel:
    return Cancel(values.get("closure", ""), values.get("reason", ""), incident)


def _duplicate(incident: int | None, values: Mapping[str, str]) -> Duplicate:
    return Duplicate(number_of(values.get("original", "")) or 0, incident)


FORMS: dict[str, Form] = {
    "declare": Form(
        "Declare an incident",
        "Declare",
        (
            Field("title", "line", "What is broken?", most=200),
            Field("severity", "severity", "How bad is it?", hint="Not sure? Take the worse one: it can be lowered."),
            Field("service", "line", "Service", optional=True, most=200),
            Field("environment", "environment", "Environment", optional=True),
            Field("summary", "text", "What do we know?", optional=True),
        ),
        is_about_one=False,
        read=_declare,
    ),
    "ack": Form("Acknowledge", "I am on it", (), asks_when_bare=False),
    "classify": Form(
        "Change the severity",
        "Change it",
        (
            Field("severity", "severity", "How bad is it?"),
            Field("reason", "text", "Why?", optional=True, hint="Needed to lower it."),
        ),
        read=_classify,
    ),
    "assign": Form(
        "Assign a role",
        "Assign",
        (
            Field("role", "role", "Role"),
            Field("person", "person", "Who?", optional=True, hint="Nobody chosen: you.", complains=("user",)),
        ),
        read=_assign,
    ),
    "update": Form("Post an update", "Post", (_text("What is new?", complains=("text",)),)),
    "decide": Form("Record a decision", "Record", (_text("What was decided, and why?", complains=("text",)),)),
    "accept": Form("Accept a role", "Accept", (Field("role", "role", "Role"),), asks_when_bare=False, read=_accept),
    "handover": Form(
        "Hand a role over",
        "Offer it",
        (
            Field("role", "role", "Role"),
            Field("person", "person", "To whom?", complains=("to", "user")),
            Field("note", "text", "What must they know?"),
        ),
        read=_hand_over,
    ),
    "task": Form(
        "Add a task",
        "Add",
        (
            Field("text", "line", "What is to be done?", most=200, complains=("title",)),
            Field("person", "person", "Who?", optional=True, complains=("assignee", "user")),
        ),
        read=_todo,
    ),
    "done": Form("A task is done", "Done", (Field("number", "line", "Number of the task", most=9),), read=_done),
    "cancel": Form(
        "It was no incident",
        "Cancel it",
        (Field("closure", "closure", "In one word"), Field("reason", "text", "Why?", complains=("to",))),
        read=_cancel,
    ),
    "duplicate": Form(
        "It is a duplicate",
        "Merge",
        (Field("original", "line", "Of which incident?", hint="Its code, INC-7.", most=12, complains=("to",)),),
        read=_duplicate,
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
