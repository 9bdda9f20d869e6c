"""What the API of the response takes and gives: alerts, tasks, links, visibility, reporting obligations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from ninja import Field, Schema
from pydantic import StringConstraints

from conductor.api.inputs import Input, Line, Text
from conductor.graph.models import Edge
from conductor.lib.moments import Moment
from incidents import models
from incidents.record.schemas import AlertOutcome


class AlertRecordOut(Schema):
    """An alert and what became of it."""

    id: UUID
    source: str
    fingerprint: str
    name: str
    severity: str
    service: str
    starts_at: datetime
    ended_at: datetime | None
    outcome: AlertOutcome
    reason: str
    incident: str | None
    disposed_by_name: str
    disposed_at: datetime | None
    first_seen_at: datetime
    times_seen: int

    @staticmethod
    def resolve_incident(alert: models.AlertRecord) -> str | None:
        return alert.incident.code if alert.incident else None


class AlertPageOut(Schema):
    items: list[AlertRecordOut]
    next_before: UUID | None
    waiting: int = Field(description="Alerts without a disposition.")


class AlertDecisionIn(Input):
    declare: bool
    reason: Text = Field("", description="Why it is no incident, in at least ten characters.")


class MergeIn(Input):
    into: int = Field(ge=1, le=2**53, description="Number of the incident that it repeats.")
    reason: Text = ""


class LinkKind(StrEnum):
    """How an incident is tied to something."""

    RELATED_TO = "RELATED_TO"
    CAUSED_BY = "CAUSED_BY"
    CHILD_OF = "CHILD_OF"
    REGRESSES = "REGRESSES"
    MITIGATED_BY = "MITIGATED_BY"
    EVIDENCES = "EVIDENCES"
    TRACKED_IN = "TRACKED_IN"
    AFFECTS = "AFFECTS"


class LinkIn(Input):
    target: Annotated[str, StringConstraints(max_length=2000)] = Field(
        description="INC-9, R-7, EVB-3, an address, or a resource by its name or key."
    )
    kind: LinkKind | None = Field(
        None,
        description="To an incident RELATED_TO, CAUSED_BY, CHILD_OF or REGRESSES; to a run RELATED_TO, CAUSED_BY or "
        "MITIGATED_BY; to a bundle EVIDENCES, to a page TRACKED_IN, to a resource AFFECTS. "
        "The first of these, if it is left out.",
    )
    reason: Text = ""


class LinkEndIn(Input):
    reason: Text = ""


class LinkOut(Schema):
    """A link in the graph. It is ended, never deleted."""

    id: UUID
    source: str
    source_kind: str
    kind: str
    target: str
    target_kind: str
    asserted_by: str = Field(description="Ref of the member who stated it.")
    since: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_source(edge: Edge) -> str:
        return edge.source.name

    @staticmethod
    def resolve_source_kind(edge: Edge) -> str:
        return edge.source.kind

    @staticmethod
    def resolve_target(edge: Edge) -> str:
        return edge.target.name

    @staticmethod
    def resolve_target_kind(edge: Edge) -> str:
        return edge.target.kind


class TaskIn(Input):
    title: Line
    assignee: Line = ""
    blocking: bool = False


class TaskChangeIn(Input):
    state: Line


class TaskOut(Schema):
    number: int
    title: str
    state: str
    is_blocking: bool
    assignee_name: str
    added_at: datetime
    ended_at: datetime | None


class VisibilityIn(Input):
    private: bool
    reason: Text


class ObligationOut(Schema):
    """A reporting obligation, and when it is due. Not legal advice."""

    id: UUID
    rule_key: str
    regime: str
    title: str
    recipient: str
    state: str
    due_at: datetime | None
    explanation: list[str]
    decided_by_name: str
    decision_reason: str
    filed_at: datetime | None
    filing_reference: str
    filing_digest: str
    source: str
    review: str

    @staticmethod
    def resolve_title(duty: models.Obligation) -> str:
        return str(duty.rule["title"])

    @staticmethod
    def resolve_recipient(duty: models.Obligation) -> str:
        return str(duty.rule["recipient"])

    @staticmethod
    def resolve_source(duty: models.Obligation) -> str:
        return str(duty.rule["source"])

    @staticmethod
    def resolve_review(duty: models.Obligation) -> str:
        return str(duty.rule["review"])


class DutyDecisionIn(Input):
    regime: Line
    applies: bool
    reason: Text


class FilingIn(Input):
    """What was filed, beside the file that was submitted."""

    reference: Line = Field(description="The receiver's own number for it.")
    late_reason: Text = Field("", description="Needed after the due date.")
    filed_at: Moment | None = Field(None, description="Now, if it is left out.")


class DeadlineOut(ObligationOut):
    """A duty of any incident, with how far its clock has run."""

    incident: str
    used_percent: int | None = Field(description="Null while the event that starts its deadline is not recorded.")
    is_overdue: bool

    @staticmethod
    def resolve_incident(duty: models.Obligation) -> str:
        return duty.incident.code


class DeadlinesOut(Schema):
    items: list[DeadlineOut]
    overdue: int
    undecided: int
    hidden: int = Field(description="Open duties of private incidents that the reader may not see.")


class MomentIn(Input):
    key: Line = Field(description="awareness, classification, determination, discovery, fix_available or handled.")
    at: Moment
    reason: Text
