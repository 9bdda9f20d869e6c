"""What a sentence says once it is read: a Command with its arguments, or a Suggestion of what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatops.commands.vocabulary import DEFAULT_FOLLOW_UP, DEFAULT_SEVERITY


@dataclass(frozen=True)
class Person:
    """Somebody who was named. One of the two is empty, never both."""

    id: str = ""
    """The chat system's id, where the text carried it."""
    name: str = ""
    """What stood behind the @."""


@dataclass(frozen=True)
class Declare:
    title: str
    severity: str = DEFAULT_SEVERITY
    severity_said: bool = False
    """Whether somebody said the severity, or it is the default."""
    service: str = ""
    environment: str = ""
    summary: str = ""
    type: str = ""
    is_private: bool = False
    is_drill: bool = False


@dataclass(frozen=True)
class Classify:
    severity: str
    incident: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Assign:
    role: str
    person: Person | None = None
    """None: the person who speaks."""
    incident: int | None = None


@dataclass(frozen=True)
class Accept:
    role: str = ""
    """Empty: that it is an incident at all."""
    incident: int | None = None


@dataclass(frozen=True)
class HandOver:
    role: str
    person: Person
    note: str
    incident: int | None = None


@dataclass(frozen=True)
class Decline:
    role: str
    reason: str
    incident: int | None = None


@dataclass(frozen=True)
class Drop:
    role: str
    incident: int | None = None


@dataclass(frozen=True)
class Todo:
    text: str
    person: Person | None = None
    incident: int | None = None
    due: str = ""
    """As it was said: `2h`, `3d`, `2026-12-01`. Empty: no date."""


@dataclass(frozen=True)
class FollowUp:
    text: str
    person: Person | None = None
    incident: int | None = None
    due: str = ""
    type: str = DEFAULT_FOLLOW_UP


@dataclass(frozen=True)
class Update:
    text: str
    incident: int | None = None
    audience: str = ""
    """Empty: the responders."""
    next: str = ""
    """In how long the next one is promised, as it was said; empty: by the cadence."""


@dataclass(frozen=True)
class Note:
    text: str
    incident: int | None = None
    at: str = ""
    """When it happened, as it was said: `14:05`, `2026-11-20 14:05`, in UTC. Empty: now."""


@dataclass(frozen=True)
class Affect:
    impact: str
    urgency: str = ""
    """Empty: as it was."""
    incident: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Link:
    target: str
    """`INC-9`, an address, or `service:checkout`."""
    kind: str = ""
    """How it is tied to another incident, one of vocabulary.LINKS; empty: related."""
    incident: int | None = None


@dataclass(frozen=True)
class OpenTicket:
    item: int | None = None
    """Number of the action item that it is about; None: the incident itself."""
    tracker: str = ""
    """Name or id; empty: the only one there is."""
    incident: int | None = None


@dataclass(frozen=True)
class Page:
    person: Person | None = None
    team: str = ""
    """Who is called if no person is: a service, or how the group is called."""
    reason: str = ""
    incident: int | None = None
    group: str = ""
    """The chat's user group: its id, where the text carried it, or its `@handle`."""
    role: str = ""
    """The holder of this role, or one of vocabulary.CALLED."""


@dataclass(frozen=True)
class Export:
    format: str = ""
    """One of vocabulary.FORMATS; empty: all of them are offered."""
    incident: int | None = None


@dataclass(frozen=True)
class Search:
    text: str


@dataclass(frozen=True)
class TaskDone:
    number: int
    incident: int | None = None


@dataclass(frozen=True)
class Cancel:
    closure: str
    reason: str = ""
    incident: int | None = None


@dataclass(frozen=True)
class Duplicate:
    original: int
    incident: int | None = None


@dataclass(frozen=True)
class About:
    """Arguments of the verbs that are about one incident, with free text where the verb takes any."""

    incident: int | None = None
    """Its number; None: whichever the speaker must mean."""
    text: str = ""


@dataclass(frozen=True)
class Listing:
    which: str = "open"


@dataclass(frozen=True)
class Help:
    verb: str = ""
    """Empty: all of them."""


Args = (
    Declare
    | Classify
    | Affect
    | Assign
    | Accept
    | Decline
    | HandOver
    | Drop
    | Todo
    | TaskDone
    | FollowUp
    | Update
    | Note
    | Link
    | OpenTicket
    | Page
    | Export
    | Cancel
    | Duplicate
    | About
    | Listing
    | Search
    | Help
)


@dataclass(frozen=True)
class Command:
    """A sentence that was understood."""

    verb: str
    """The verb's canonical name, whichever alias was used."""
    args: Args


@dataclass(frozen=True)
class Suggestion:
    """A sentence that was not understood, and what would be."""

    problem: str
    """One sentence for the person who wrote it."""
    nearest: tuple[str, ...] = ()
    """Sentences or verbs that may have been meant, likeliest first."""
    verb: str = ""
    """The verb whose usage helps, where one was recognised."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What was understood of it, by field, for a form to be filled in with; `incident` is a number."""
    is_unfinished: bool = False
    """Whether something is merely missing, which a form can ask for, or something was said that makes no sense."""
