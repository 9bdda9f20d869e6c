"""Shapes of tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from conductor.api.inputs import Input, Line


class TicketIn(Input):
    """Which tracker, and which ticket if there is one."""

    tracker: Line = Field(default="", description="The adapter's name or id; empty where there is only one.")
    ticket: Line = Field(
        default="", description="Name or address of a ticket that exists, to link it; empty to have one opened."
    )


class TicketOut(Schema):
    """A ticket as it was last seen."""

    id: UUID
    ref: str
    about: str = Field(description="Code of the action item; empty for a ticket about the incident itself.")
    tracker: str
    origin: str = Field(description="OPENED or LINKED.")
    phase: str = Field(description="REQUESTED, TRACKED, FAILED or ENDED.")
    name: str = Field(description="Empty until the tracker has confirmed it.")
    url: str
    title: str
    status: str = Field(description="The tracker's own word.")
    state: str = Field(description="What it means here: OPEN, DONE or DROPPED.")
    synced_at: datetime | None
    code: str = Field(description="Stable name of the last failure; empty after a success.")
    error: str
    created_at: datetime
    created_by_name: str

    @staticmethod
    def of(shown: Any) -> dict[str, Any]:
        """Return what is told of a selectors.TicketShown."""
        ticket = shown.ticket
        names = ("id", "ref", "origin", "phase", "name", "url", "title", "state", "synced_at", "code", "error")
        told = {name: getattr(ticket, name) for name in (*names, "created_at", "created_by_name")}
        return {**told, "about": shown.about, "tracker": ticket.adapter.name, "status": ticket.remote_status}
