"""The ticketing port: what is asked of a tenant's tracker, and the values that pass.

A tracker is where a tenant's people keep their work; a ticket is one piece of it. Beside adapters.ports, whose rules
hold here too: every call has a timeout, nothing is tried again, every failure is an AdapterError.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol


class TicketState(StrEnum):
    """What a tracker's own status means here (adapters.models.Ticket.State)."""

    OPEN = "OPEN"
    DONE = "DONE"
    DROPPED = "DROPPED"
    """Closed without having been done."""


@dataclass(frozen=True)
class NewTicket:
    """What a ticket is opened with."""

    key: str
    """Ours, the same at every try: at most 60 letters, digits and dashes. The tracker keeps it where `find` looks."""
    title: str
    """One line, at most 200 characters."""
    text: str
    """Plain text."""
    url: str
    """Absolute address of our page about it."""


@dataclass(frozen=True)
class RemoteTicket:
    """A ticket as the tracker has it."""

    external_id: str
    """How calls name it."""
    name: str
    """How people name it."""
    url: str
    """Absolute address of its page."""
    title: str
    status: str
    """The tracker's own word."""
    state: TicketState
    updated_at: datetime | None


class TicketingPort(Protocol):
    """Keeps tickets."""

    settles_in: ClassVar[timedelta]
    """How long after a creation `find` may still miss it. Nobody asks for the same key again within it."""

    @property
    def source(self) -> str:
        """Which tracker, as it may be shown."""
        ...

    def describe(self) -> str:
        """Return who we are there and what we may use, in a sentence; raise AdapterError if nothing works."""
        ...

    def find(self, *, key: str, since: datetime) -> RemoteTicket | None:
        """Return the ticket that was opened with this key, at `since` or later; None if there is none."""
        ...

    def create(self, *, ticket: NewTicket, since: datetime) -> RemoteTicket:
        """Return the ticket of that key, opened now unless `find` shows it: nobody gets a second one.

        After a lost answer it may have been opened although this raised; hence the same key again, after `settles_in`.
        """
        ...

    def locate(self, text: str) -> str:
        """Return the external id that a person means by an address or a name. Asks nobody. Raise AdapterError."""
        ...

    def read(self, *, external_id: str) -> RemoteTicket:
        """Return the ticket. Raise AdapterError, permanent and with code `ticket_missing` if there is none."""
        ...

    def move(self, *, external_id: str, state: TicketState) -> RemoteTicket:
        """Bring the ticket to a status of that meaning; return it as it is then. One that has such is left alone."""
        ...

    def comment(self, *, external_id: str, text: str, key: str) -> bool:
        """Add a comment; return False if the ticket has the one of this key already."""
        ...

    def changed(self, *, external_ids: Collection[str], since: datetime) -> list[RemoteTicket]:
        """Return those of the tickets that changed at `since` or later; also some that did not.

        One that the tracker no longer shows is left out.
        """
        ...

    def called(self, *, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Return the external ids that a webhook of the tracker speaks of. Raise AdapterError unless it is signed.

        Code `not_supported` where the tracker has no webhooks. What the call says beyond ids is not to be believed.
        """
        ...
