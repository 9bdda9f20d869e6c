"""What the API of single timeline entries takes and gives."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ninja import Field, Schema

from conductor.api.inputs import Input, Line, Text
from conductor.lib.moments import Moment
from incidents import models
from incidents.record.schemas import EventOut
from incidents.timeline.selectors import EntryFound


class RedactionState(StrEnum):
    """Where a request to redact stands."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class RedactionOut(Schema):
    """A request to redact an entry, and its answer."""

    state: RedactionState
    reason: str
    legal_basis: str
    drops_data: bool = Field(description="Whether the entry's facts go with its text.")
    requested_by_name: str
    requested_at: datetime
    answered_by_name: str = Field(description="Empty while it waits.")
    answered_at: datetime | None
    answer_reason: str = Field(description="Why it was refused, or withdrawn.")


class EntryOut(Schema):
    """An entry and what became of it."""

    entry: EventOut
    corrected_by: int | None = Field(description="Number of the entry that counts in its place.")
    corrects: int | None = Field(description="Number of the entry that it counts in place of.")
    redacted_at: datetime | None
    chain_digest: str
    redactions: list[RedactionOut] = Field(description="Newest first.")

    @staticmethod
    def resolve_entry(found: EntryFound) -> models.TimelineEvent:
        return found.event

    @staticmethod
    def resolve_redacted_at(found: EntryFound) -> datetime | None:
        return found.event.redacted_at

    @staticmethod
    def resolve_chain_digest(found: EntryFound) -> str:
        return found.event.chain_digest


class CorrectionIn(Input):
    text: Text
    reason: Text
    occurred_at: Moment | None = Field(None, description="When it happened, if that is corrected too.")


class RedactionIn(Input):
    reason: Text
    legal_basis: Line = Field(description="What demands it: GDPR Art. 17, a contract, a court's order.")
    drops_data: bool = Field(False, description="Drop its facts as well as its text.")


class RefusalIn(Input):
    reason: Text


class WithdrawalIn(Input):
    reason: Text = ""


class TimelineFaultOut(Schema):
    """One thing that is not what was written."""

    entry: int | None = Field(description="The entry's number; null where it is about the incident as a whole.")
    what: str


class TimelineVerificationOut(Schema):
    """Whether an incident's record is what its digests and receipts say."""

    is_verified: bool
    faults: list[TimelineFaultOut]
