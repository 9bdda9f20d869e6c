"""What is asked for when an incident is declared, cleaned, with every fault named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from conductor.lib.clock import rfc3339
from conductor.lib.moments import OUT_OF_RANGE, is_usable
from conductor.tenancy.models import Environment
from incidents.models.choices import Impact, Kind, Question, Reply, Severity, Status, Urgency, Visibility
from incidents.record.input_cleaning import Complaints
from incidents.response.policy import policy_in_force


class MoreOfDeclaration(TypedDict, total=False):
    """What a declaration may say besides its title and severity."""

    summary: str
    environment: Environment | None
    service: str
    dedup_key: str
    kind: str
    detected_at: datetime | None
    triage: bool
    visibility: str
    impact: str
    urgency: str
    answers: Mapping[str, str]
    """Reply by Question."""


@dataclass(frozen=True)
class Declaration:
    """A declaration, cleaned: the columns of the incident that it gives."""

    tenant_id: UUID
    title: str
    summary: str
    severity: str
    kind: str
    environment: Environment | None
    service: str
    dedup_key: str
    detected_at: datetime | None
    status: str
    visibility: str
    impact: str
    urgency: str
    answers: dict[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """How it was classified, where anybody said so."""
        said: dict[str, Any] = {"impact": self.impact, "urgency": self.urgency, "answers": self.answers}
        said["detected_at"] = rfc3339(self.detected_at) if self.detected_at else ""
        return {name: value for name, value in said.items() if value}


def clean_declaration(*, tenant_id: UUID, title: str, severity: str, **more: Any) -> Declaration:
    """Return the declaration; raise Invalid naming every field at fault."""
    complaints = Complaints()
    kind, detected_at = more.get("kind", Kind.REAL), more.get("detected_at")
    if kind == Kind.IMPORTED or kind not in Kind.values:
        complaints.add("kind", f"Choose {Kind.REAL.value} or {Kind.PRACTICE.value}.")
    if detected_at is not None and detected_at.tzinfo is None:
        complaints.add("detected_at", "Name the time zone.")
    elif detected_at is not None and not is_usable(detected_at):
        complaints.add("detected_at", OUT_OF_RANGE)
    impact, urgency = clean_impact(complaints, more.get("impact", ""), more.get("urgency", ""))
    if not severity and impact and urgency:
        severity = severity_by_matrix(impact=impact, urgency=urgency)
    declaration = Declaration(
        tenant_id=tenant_id,
        title=complaints.line("title", title, required=True),
        summary=complaints.text("summary", more.get("summary", "")),
        severity=complaints.choice("severity", severity, Severity),
        kind=kind,
        environment=more.get("environment"),
        service=complaints.line("service", more.get("service", "")),
        dedup_key=complaints.line("dedup_key", more.get("dedup_key", ""), most=300),
        detected_at=detected_at,
        status=Status.TRIAGE if more.get("triage") else Status.OPEN,
        visibility=complaints.choice("visibility", more.get("visibility") or Visibility.NORMAL, Visibility),
        impact=impact,
        urgency=urgency,
        answers=clean_answers(complaints, more.get("answers") or {}),
    )
    complaints.refuse()
    return declaration


def clean_impact(complaints: Complaints, impact: str, urgency: str) -> tuple[str, str]:
    """Return both words; complain of one that does not exist."""
    if impact:
        complaints.choice("impact", impact, Impact)
    if urgency:
        complaints.choice("urgency", urgency, Urgency)
    return (impact if impact in Impact.values else "", urgency if urgency in Urgency.values else "")


def clean_answers(complaints: Complaints, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that were given; complain of questions and answers that do not exist."""
    for question, reply in answers.items():
        if question not in Question.values:
            complaints.add("answers", f"There is no question {question}. There are {', '.join(Question.values)}.")
        elif reply and reply not in Reply.values:
            complaints.add(question, f"Choose one of {', '.join(Reply.values)}.")
    return {question: reply for question, reply in answers.items() if reply}


def severity_by_matrix(*, impact: str, urgency: str) -> str:
    """Return the severity that the response policy gives to this impact and urgency."""
    return policy_in_force().content.severity_matrix[Impact(impact)][Urgency(urgency)].value
