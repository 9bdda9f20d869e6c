"""How the values of a filled-in form become the same arguments that the grammar reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chatops.commands.arguments import (
    Accept,
    Affect,
    Assign,
    Cancel,
    Classify,
    Declare,
    Decline,
    Drop,
    Duplicate,
    FollowUp,
    HandOver,
    Link,
    Note,
    OpenTicket,
    Page,
    Person,
    Search,
    TaskDone,
    Todo,
    Update,
)
from chatops.commands.readers import called_by
from chatops.commands.tokens import number_of
from chatops.commands.vocabulary import DEFAULT_FOLLOW_UP, DEFAULT_SEVERITY, YES
from conductor.lib.numbers import whole_number


def read_declare(incident: int | None, values: Mapping[str, str]) -> Declare:
    """Return what the form of `declare` says."""
    severity = values.get("severity", "")
    return Declare(
        title=values.get("title", ""),
        severity=severity or DEFAULT_SEVERITY,
        severity_said=bool(severity),
        service=values.get("service", ""),
        environment=values.get("environment", ""),
        summary=values.get("summary", ""),
        type=values.get("type", ""),
        is_private=values.get("private") == YES,
        is_drill=values.get("drill") == YES,
    )


def read_classify(incident: int | None, values: Mapping[str, str]) -> Classify:
    """Return what the form of `classify` says."""
    return Classify(values.get("severity", ""), incident, values.get("reason", ""))


def read_assign(incident: int | None, values: Mapping[str, str]) -> Assign:
    """Return what the form of `assign` says."""
    return Assign(values.get("role", ""), _person(values), incident)


def read_accept(incident: int | None, values: Mapping[str, str]) -> Accept:
    """Return what the form of `accept` says."""
    return Accept(values.get("role", ""), incident)


def read_hand_over(incident: int | None, values: Mapping[str, str]) -> HandOver:
    """Return what the form of `hand_over` says."""
    return HandOver(values.get("role", ""), Person(id=values.get("person", "")), values.get("note", ""), incident)


def read_decline(incident: int | None, values: Mapping[str, str]) -> Decline:
    """Return what the form of `decline` says."""
    return Decline(values.get("role", ""), values.get("reason", ""), incident)


def read_drop(incident: int | None, values: Mapping[str, str]) -> Drop:
    """Return what the form of `drop` says."""
    return Drop(values.get("role", ""), incident)


def read_affect(incident: int | None, values: Mapping[str, str]) -> Affect:
    """Return what the form of `affect` says."""
    return Affect(values.get("impact", ""), values.get("urgency", ""), incident, values.get("reason", ""))


def read_update(incident: int | None, values: Mapping[str, str]) -> Update:
    """Return what the form of `update` says."""
    return Update(values.get("text", ""), incident, values.get("audience", ""), values.get("next", ""))


def read_note(incident: int | None, values: Mapping[str, str]) -> Note:
    """Return what the form of `note` says."""
    return Note(values.get("text", ""), incident, values.get("at", ""))


def read_link(incident: int | None, values: Mapping[str, str]) -> Link:
    """Return what the form of `link` says."""
    return Link(values.get("target", ""), values.get("kind", ""), incident)


def read_ticket(incident: int | None, values: Mapping[str, str]) -> OpenTicket:
    """Return what the form of `ticket` says."""
    return OpenTicket(whole_number(values.get("item", "")), values.get("tracker", ""), incident)


def read_page(incident: int | None, values: Mapping[str, str]) -> Page:
    """Return what the form of `page` says."""
    person, word = _person(values), values.get("team", "")
    named = f"group:{word[1:]}" if word.startswith("@") else word
    meant = Page(person) if person else called_by(named, escaped=False) or Page(team=word)
    return replace(meant, reason=values.get("reason", ""), incident=incident)


def read_find(incident: int | None, values: Mapping[str, str]) -> Search:
    """Return what the form of `find` says."""
    return Search(values.get("text", ""))


def read_todo(incident: int | None, values: Mapping[str, str]) -> Todo:
    """Return what the form of `todo` says."""
    return Todo(values.get("text", ""), _person(values), incident, values.get("due", ""))


def read_follow_up(incident: int | None, values: Mapping[str, str]) -> FollowUp:
    """Return what the form of `follow_up` says."""
    kind = values.get("type", "") or DEFAULT_FOLLOW_UP
    return FollowUp(values.get("text", ""), _person(values), incident, values.get("due", ""), kind)


def _person(values: Mapping[str, str]) -> Person | None:
    """Return whom the form names; None if it names nobody."""
    return Person(id=values["person"]) if values.get("person") else None


def read_done(incident: int | None, values: Mapping[str, str]) -> TaskDone:
    """Return what the form of `done` says."""
    return TaskDone(whole_number(values.get("number", "").lstrip("#")) or 0, incident)


def read_cancel(incident: int | None, values: Mapping[str, str]) -> Cancel:
    """Return what the form of `cancel` says."""
    return Cancel(values.get("closure", ""), values.get("reason", ""), incident)


def read_duplicate(incident: int | None, values: Mapping[str, str]) -> Duplicate:
    """Return what the form of `duplicate` says."""
    return Duplicate(number_of(values.get("original", "")) or 0, incident)
