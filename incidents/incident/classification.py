"""The verb that classifies: severity by impact and urgency, type, service, and the four questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.tenancy.actors import Actor, require
from incidents.incident.declaration import clean_answers, clean_impact, severity_by_matrix
from incidents.models.choices import EventKind, Severity
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.follow_up_runs import keep_watching
from incidents.record.input_cleaning import Complaints
from incidents.record.refusals import ReasonTooShort
from incidents.record.writer import Entry, lock, touch, write
from incidents.reporting.lifecycle import sync_obligations

_TYPES = {
    "severity": EventKind.SEVERITY_CHANGED,
    "incident_type": EventKind.TYPE_CHANGED,
    "service": EventKind.SERVICE_CHANGED,
    "impact": EventKind.IMPACT_CHANGED,
    "urgency": EventKind.IMPACT_CHANGED,
}


def classify_incident(
    *,
    incident: Incident,
    actor: Actor,
    now: datetime,
    severity: str | None = None,
    incident_type: str | None = None,
    service: str | None = None,
    impact: str | None = None,
    urgency: str | None = None,
    answers: Mapping[str, str] | None = None,
    reason: str = "",
) -> Incident:
    """Change what is given and differs, one timeline entry for each; with no difference nothing is written.

    A new impact or urgency brings the severity of the policy's matrix, unless `severity` says otherwise. Lowering
    the severity needs a reason. `answers` are replies by question; a question that is left out keeps its answer.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    wanted = _wanted(complaints, severity=severity, incident_type=incident_type, service=service)
    clean_impact(complaints, impact or "", urgency or "")
    wanted |= {name: value for name, value in (("impact", impact), ("urgency", urgency)) if value is not None}
    replies = clean_answers(complaints, answers or {})
    reason = complaints.text("reason", reason)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        _by_matrix(locked, wanted)
        changes = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
        answered = {name: value for name, value in replies.items() if locked.answers.get(name) != value}
        if changes or answered:
            _require_reason_to_lower(locked, changes, reason)
            _reclassify(locked, changes, answered, reason, actor, now)
    incident.refresh_from_db()
    return incident


def _wanted(
    complaints: Complaints, *, severity: str | None, incident_type: str | None, service: str | None
) -> dict[str, str]:
    wanted: dict[str, str] = {}
    if severity is not None:
        wanted["severity"] = complaints.choice("severity", severity, Severity)
    if incident_type is not None:
        wanted["incident_type"] = complaints.line("incident_type", incident_type, most=40)
    if service is not None:
        wanted["service"] = complaints.line("service", service)
    return wanted


def _by_matrix(incident: Incident, wanted: dict[str, str]) -> None:
    """Add the matrix's severity where impact or urgency changes and nobody names a severity."""
    impact, urgency = wanted.get("impact", incident.impact), wanted.get("urgency", incident.urgency)
    differs = (impact, urgency) != (incident.impact, incident.urgency)
    if differs and impact and urgency and "severity" not in wanted:
        wanted["severity"] = severity_by_matrix(impact=impact, urgency=urgency)


def _require_reason_to_lower(incident: Incident, changes: dict[str, str], reason: str) -> None:
    # SEV1 is the worst, so a later word is a lower severity.
    if changes.get("severity", "") > incident.severity and not reason:
        raise ReasonTooShort(
            f"Say why {incident.code} is less severe than it seemed.",
            fields={"reason": ["Needed to lower a severity."]},
        )


def _reclassify(
    incident: Incident,
    changes: dict[str, str],
    answered: dict[str, str],
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    entries = []
    body: dict[str, Any] = {"reason": reason}
    for name, value in changes.items():
        body[name] = {"from": getattr(incident, name), "to": value}
        more = {"what": name} if name in {"impact", "urgency"} else {}
        entries.append(Entry(_TYPES[name], reason, {**body[name], **more}))
    for question, reply in answered.items():
        body[question] = {"from": incident.answers.get(question, ""), "to": reply}
        entries.append(Entry(EventKind.QUESTION_ANSWERED, reason, {"question": question, **body[question]}))
    if "service" in changes:
        topology.unlink_service(incident=incident, now=now)
    touch(incident, **changes, **({"answers": {**incident.answers, **answered}} if answered else {}))
    incident.refresh_from_db()
    if "service" in changes:
        topology.link_service(incident=incident, actor=actor, now=now)
    else:
        topology.place(incident=incident, now=now)
    write(incident=incident, action="incident.classified", entries=entries, actor=actor, now=now, body=body)
    sync_obligations(incident=incident, actor=actor, now=now)
    if "severity" in changes:
        keep_watching(incident=incident, actor=actor, now=now)
