"""What the API of incidents takes and gives."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import StringConstraints

from conductor.api.inputs import Input, Line, Text
from conductor.lib.moments import Moment
from incidents import models
from incidents.models.alert import Outcome
from incidents.record.metrics import State
from incidents.record.wording import sentence


class IncidentSeverity(StrEnum):
    """SEV1 is the worst."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    TRIAGE = "TRIAGE"
    OPEN = "OPEN"
    MITIGATED = "MITIGATED"
    MONITORING = "MONITORING"
    RESOLVED = "RESOLVED"
    DECLINED = "DECLINED"
    CANCELED = "CANCELED"
    DUPLICATE = "DUPLICATE"


class IncidentClosure(StrEnum):
    """Why something was no incident."""

    FALSE_POSITIVE = "FALSE_POSITIVE"
    KNOWN_ISSUE = "KNOWN_ISSUE"
    PLANNED_CHANGE = "PLANNED_CHANGE"
    TEST = "TEST"
    OPENED_IN_ERROR = "OPENED_IN_ERROR"
    EXTERNAL = "EXTERNAL"


class IncidentKind(StrEnum):
    """Whether it happened here, was imported from elsewhere, or is practice."""

    REAL = "REAL"
    IMPORTED = "IMPORTED"
    PRACTICE = "PRACTICE"


class DeclarableKind(StrEnum):
    """The kinds that can be declared."""

    REAL = "REAL"
    PRACTICE = "PRACTICE"


class IncidentRole(StrEnum):
    """A role in the response; one holder at a time."""

    COMMANDER = "COMMANDER"
    OPERATIONS = "OPERATIONS"
    COMMUNICATIONS = "COMMUNICATIONS"
    SCRIBE = "SCRIBE"
    DEPUTY = "DEPUTY"
    PRIVACY = "PRIVACY"


class UpdateAudience(StrEnum):
    """Whom an update is written for."""

    INTERNAL = "INTERNAL"
    EXECUTIVE = "EXECUTIVE"
    CUSTOMER = "CUSTOMER"
    PUBLIC = "PUBLIC"


class MilestoneName(StrEnum):
    """The moments that people assert; the others follow from what they do."""

    IMPACT_STARTED = "impact_started"
    DETECTED = "detected"
    IDENTIFIED = "identified"
    IMPACT_ENDED = "impact_ended"


class TimelineView(StrEnum):
    """Which entries of the timeline to give."""

    ALL = "all"
    KEY = "key"
    PEOPLE = "people"
    AUTOMATION = "automation"


class PostmortemStatus(StrEnum):
    """Whether people have accepted it."""

    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    CHANGES = "CHANGES"
    APPROVED = "APPROVED"
    PUBLISHED = "PUBLISHED"


MetricState = State
AlertOutcome = Outcome


class IncidentOut(Schema):
    """An incident."""

    id: UUID
    ref: str
    code: str
    number: int
    title: str
    summary: str
    kind: IncidentKind
    origin: str
    severity: IncidentSeverity
    status: IncidentStatus
    incident_type: str
    environment: str | None
    service: str
    dedup_key: str
    declared_by_name: str
    commander: str | None
    detected_at: datetime | None
    declared_at: datetime
    acknowledged_at: datetime | None
    mitigated_at: datetime | None
    monitoring_at: datetime | None
    resolved_at: datetime | None
    version: int

    @staticmethod
    def resolve_environment(incident: models.Incident) -> str | None:
        return incident.environment.slug if incident.environment else None

    @staticmethod
    def resolve_commander(incident: Any) -> str | None:
        """The name: read with the row in lists, looked up for one incident."""
        if hasattr(incident, "commander_name"):
            name: str | None = incident.commander_name
            return name
        holder = incident.roles.filter(role=models.Role.COMMANDER, ended_at=None).first()
        return holder.user_name if holder else None


class IncidentPage(Schema):
    items: list[IncidentOut]
    next_cursor: str


class DeclareIn(Input):
    """An incident to declare."""

    title: Line
    severity: IncidentSeverity
    summary: Text = ""
    environment: Line = Field("", description="Short name of an environment.")
    service: Line = Field("", description="Name of the chiefly affected resource.")
    dedup_key: Annotated[str, StringConstraints(max_length=300)] = Field(
        "", description="While an incident with this key is unresolved, declaring again returns it."
    )
    kind: DeclarableKind = DeclarableKind.REAL
    detected_at: Moment | None = None
    take_command: bool = False
    private: bool = Field(False, description="Keep it to those who work on it.")
    impact: Line = ""
    urgency: Line = ""
    answers: dict[str, Line] = Field(default_factory=dict, max_length=50, description="YES, NO or UNKNOWN by question.")
    triage: bool = Field(False, description="Have it wait in triage until somebody accepts it.")


class TransitionIn(Input):
    to: IncidentStatus
    reason: Text = Field("", description="At least ten characters for a move backwards, or out of the way.")
    closure: IncidentClosure | None = Field(None, description="What it was, for declining and canceling.")
    override: Text = Field("", description="Why unmet guards are passed; needs the permission to override.")


class ClassificationIn(Input):
    """What to change; what is left out stays."""

    severity: IncidentSeverity | None = None
    incident_type: Annotated[str, StringConstraints(max_length=40)] | None = None
    service: Line | None = None
    impact: Line | None = Field(None, description="NONE, ONE, SOME, MOST or ALL; with urgency it gives the severity.")
    urgency: Line | None = Field(None, description="WORKAROUND, DEGRADING or STOPPED.")
    answers: dict[str, Line] | None = Field(None, max_length=50, description="YES, NO or UNKNOWN by question.")
    reason: Text = Field("", description="Needed to lower the severity.")


class AcknowledgementIn(Input):
    take_command: bool = False


class RoleIn(Input):
    role: IncidentRole
    user: Line = Field(description="User name, e-mail address or reference of a member.")


class RoleOut(Schema):
    role: IncidentRole
    label: str
    ref: str
    name: str
    since: datetime | None
    is_accepted: bool = Field(description="False while the holder has not answered.")
    offered_to: str | None = Field(description="Name of the member who is asked to take it over.")

    @staticmethod
    def resolve_offered_to(slot: Any) -> str | None:
        return slot.offer.user_name if slot.offer else None


class RoleAnswerIn(Input):
    accept: bool
    reason: Text = Field("", description="Why not; needed to decline.")


class HandoverIn(Input):
    user: Line = Field(description="User name, e-mail address or reference of a member.")
    note: Text = Field(description="What they must know.")


class UpdateIn(Input):
    text: Text
    audience: UpdateAudience = UpdateAudience.INTERNAL
    next_update_minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = Field(
        None, description="Promises when the next one comes, in place of the cadence."
    )


class NoteIn(Input):
    text: Text
    occurred_at: Moment | None = Field(None, description="When it happened, if that was earlier.")


class MilestoneIn(Input):
    at: Moment
    reason: Text = Field("", description="Needed to correct an earlier statement.")


class MilestoneOut(Schema):
    """A moment, and who asserted it when. The newest of its key counts."""

    key: MilestoneName
    at: datetime
    reason: str
    asserted_by_name: str
    recorded_at: datetime


class DecisionIn(Input):
    text: Text
    why: Text = ""
    negative: bool = Field(False, description="A decision not to: not to fail over, not to report.")
    agreed_by: list[Line] = Field(default_factory=list, max_length=50, description="Members who agreed.")


class EventOut(Schema):
    """An entry of a timeline."""

    seq: int
    kind: str
    sentence: str
    body: str
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    actor_name: str
    source: str
    receipt_id: UUID | None

    @staticmethod
    def resolve_sentence(event: models.TimelineEvent) -> str:
        return sentence(event)


class TimelineOut(Schema):
    items: list[EventOut]
    next_before: int | None = Field(description="Give it as `before` for the next, older page.")


class MetricOut(Schema):
    key: str
    label: str
    seconds: int | None = Field(description="Null unless the state is ok.")
    state: MetricState
    why: str


class BlockOut(Schema):
    text: str
    sources: list[int] = Field(description="Timeline entries that the statement rests on.")
    at: datetime | None = None
    by: str | None = None
    cells: list[str] | None = Field(None, description="The statement as a row of the section's table.")
    mark: str | None = Field(None, description="What kind of moment it is, in a word or two.")


class SectionOut(Schema):
    key: str
    title: str
    blocks: list[BlockOut] = Field(description="Empty where there is nothing to say; the last section names it.")
    columns: list[str] | None = Field(None, description="The headings of the blocks' cells.")


class PostmortemOut(Schema):
    """A version of a postmortem."""

    id: UUID
    version: int
    status: PostmortemStatus
    sections: list[SectionOut]
    metrics: list[MetricOut]
    content_digest: str
    through_seq: int
    pdf_digest: str = Field(description="Empty until the PDF is rendered.")
    pdf_size_bytes: int | None
    charts: list[dict[str, Any]] = Field(
        description="What the metrics sources reported for the time around the impact."
    )
    drafted_at: datetime
    drafted_by: str
    is_final: bool
    review_asked_at: datetime | None
    changes_asked_at: datetime | None
    changes_asked_by: str = Field(description="Who sent this version back; empty where nobody did.")
    changes_comment: str
    approved_at: datetime | None
    approved_by_name: str
    waived: list[str] = Field(description="Required sections that were blank when it was approved, by their keys.")
    waiver_reason: str
    published_at: datetime | None


class RequestedOut(Schema):
    """A draft under way."""

    run: str
    run_number: int
    status: str


class DispositionOut(Schema):
    """What became of one alert."""

    fingerprint: str
    name: str
    outcome: AlertOutcome
    reason: str
    incident: str | None
    incident_number: int | None


class FaultOut(Schema):
    """An alert that could not be read. It waits for a person on the page of alerts."""

    place: str
    reason: str


class IntakeOut(Schema):
    dispositions: list[DispositionOut]
    faults: list[FaultOut]
    truncated_alerts: int = Field(
        description="Alerts that the sender left out, or beyond the 500 that are read; nothing is known of them."
    )


class EventTakenOut(IntakeOut):
    """The answer to an event, as PagerDuty's senders expect it, with ours beside it."""

    status: str
    message: str
    dedup_key: str
