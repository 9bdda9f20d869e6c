"""Shapes of what is learned: edits and reviews of postmortems, action items."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import StringConstraints

from conductor.api.inputs import Input, Line, Text, Version
from conductor.lib.moments import Day
from incidents.models.action_item import ActionItem
from incidents.models.choices import Written


class ActionItemType(StrEnum):
    """What an action item is for."""

    DETECT = "DETECT"
    PREVENT = "PREVENT"
    CORRECT = "CORRECT"


class ActionItemStatus(StrEnum):
    """Whether it is still to be done."""

    OPEN = "OPEN"
    DONE = "DONE"
    DROPPED = "DROPPED"


class SectionIn(Input):
    """A section as its writer leaves it."""

    version: Version
    text: Annotated[str, StringConstraints(max_length=20_000)] = Field(
        description="Paragraphs, parted by blank lines, each ended by the entries it rests on: [#3, #17]."
    )


class ReviewIn(Input):
    """Which version is meant."""

    version: Version


class ApprovalIn(ReviewIn):
    """Which version is approved, and which required sections may stay blank."""

    without: list[Written] = Field(
        default_factory=list,
        max_length=10,
        description="Each section that the response policy asks for and nobody has written, by its key.",
    )
    reason: Text = Field(default="", description="Why they may stay blank; needed with `without`.")


class ChangesIn(ReviewIn):
    """Which version is sent back, and why."""

    comment: Text = Field(description="What is to be changed.")


class ActionItemIn(Input):
    """What an action item says."""

    title: Line
    type: ActionItemType
    detail: Text = ""
    owner: Line | None = Field(default=None, description="User name, e-mail address or reference of a member.")
    due_date: Day | None = None


class ActionItemChange(ActionItemIn):
    """What an action item says from now on: all of it."""

    version: Version
    ticket: Line = ""
    ticket_url: Annotated[str, StringConstraints(max_length=500)] = ""


class ActionItemNoteIn(Input):
    """How the effect was checked, or why."""

    note: Text = ""


class ActionItemOut(Schema):
    """An action item."""

    id: UUID
    ref: str
    code: str
    number: int
    incident: str = Field(description="Code of its incident.")
    title: str
    detail: str
    type: ActionItemType
    status: ActionItemStatus
    owner_name: str
    due_date: date | None
    effect: str = Field(description="Empty until done; then UNVERIFIED or VERIFIED.")
    effect_note: str
    ticket: str
    ticket_url: str
    reminders: int
    created_at: datetime
    created_by: str
    closed_at: datetime | None
    closed_by: str
    version: int

    @staticmethod
    def resolve_incident(item: ActionItem) -> str:
        """Return the incident's code."""
        return item.incident.code


class ActionItemsOut(Schema):
    """Action items, and how many there are in all."""

    items: list[ActionItemOut]
    total: int

    @staticmethod
    def resolve_items(found: Any) -> Any:
        """Return the rows of the page."""
        return found["items"]
