"""What an incident's timeline says of the incident, entry by entry: its row has to say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conductor.lib.clock import parse_rfc3339, rfc3339
from incidents.models.choices import EventKind, MilestoneKey, Status
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident

Facts = dict[str, Any]
LABELS = {
    "title": "title",
    "summary": "summary",
    "severity": "severity",
    "status": "status",
    "closure": "closure",
    "kind": "kind",
    "origin": "origin",
    "visibility": "visibility",
    "incident_type": "type",
    "service": "service",
    "environment": "environment",
    "impact": "impact",
    "urgency": "urgency",
    "answers": "answers to the questions",
    "declared_by": "declarer",
    "declared_by_name": "declarer's name",
    "declared_at": "time of declaration",
    "detected_at": "time of detection",
    "acknowledged_at": "time of acknowledgement",
    "mitigated_at": "time of mitigation",
    "monitoring_at": "start of monitoring",
    "resolved_at": "time of resolution",
    "impact_started_at": "start of the impact",
    "impact_ended_at": "end of the impact",
}
"""What is compared, as people call it."""
_CHANGED: dict[str, str] = {
    EventKind.SEVERITY_CHANGED: "severity",
    EventKind.TYPE_CHANGED: "incident_type",
    EventKind.SERVICE_CHANGED: "service",
    EventKind.TITLE_CHANGED: "title",
    EventKind.VISIBILITY_CHANGED: "visibility",
}
_MILESTONES: dict[str, str] = {
    MilestoneKey.IMPACT_STARTED: "impact_started_at",
    MilestoneKey.DETECTED: "detected_at",
    MilestoneKey.IMPACT_ENDED: "impact_ended_at",
}
_NEVER = ("acknowledged_at", "mitigated_at", "monitoring_at", "resolved_at", "impact_started_at", "impact_ended_at")


def differences(incident: Incident, events: Sequence[TimelineEvent], declaration: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each field in which the incident's row is not what its timeline says.

    `declaration` is the body of the receipt of the declaration. What a redaction dropped is not compared, nor what an
    older release did not record. Of a private incident no value is told. No query but for the environment.
    """
    try:
        said = stated(events, declaration)
    except (KeyError, TypeError, ValueError):
        yield "The facts of its timeline cannot be read."
        return
    for name, label in LABELS.items():
        value = _value(incident, name)
        if name in said and said[name] != value:
            told = "" if incident.is_private else f" is {_word(value)}, its timeline says {_word(said[name])}"
            yield f"Its {label}{told or ' is not what its timeline says'}."


def stated(events: Sequence[TimelineEvent], declaration: Mapping[str, Any]) -> Facts:
    """Return the incident's fields as the timeline leads to them; what it cannot tell is left out."""
    facts: Facts = dict.fromkeys(_NEVER)
    facts |= {"incident_type": "", "closure": ""}
    for event in events:
        _READ.get(event.kind, _ignore)(facts, event)
        if event.kind == EventKind.DECLARED:
            _from_receipt(facts, declaration)
    return facts


def _ignore(facts: Facts, event: TimelineEvent) -> None:
    """Most kinds change nothing of the incident's row."""


def _declared(facts: Facts, event: TimelineEvent) -> None:
    facts |= {
        "declared_by": event.actor,
        "declared_by_name": event.actor_name,
        "declared_at": event.occurred_at,
    }
    if event.redacted_at is None:
        facts["summary"] = event.body
    _classified(facts, event.data)


def _from_receipt(facts: Facts, declaration: Mapping[str, Any]) -> None:
    """The receipt fills in what the entry does not say."""
    more: Facts = {}
    _classified(more, declaration)
    for name, value in more.items():
        facts.setdefault(name, value)


def _classified(facts: Facts, data: Mapping[str, Any]) -> None:
    plain = ("title", "severity", "kind", "origin", "service", "environment", "status", "visibility")
    facts |= {name: data[name] for name in plain if name in data}
    if "severity" in data and "origin" in data:
        facts |= {"impact": data.get("impact", ""), "urgency": data.get("urgency", "")}
        facts["answers"] = dict(data.get("answers", {}))
    if data.get("detected_at"):
        facts["detected_at"] = parse_rfc3339(data["detected_at"])


def _changed(facts: Facts, event: TimelineEvent) -> None:
    _put(facts, _CHANGED[event.kind], event.data.get("to"))


def _summary(facts: Facts, event: TimelineEvent) -> None:
    _put(facts, "summary", None if event.redacted_at else event.body)


def _impact(facts: Facts, event: TimelineEvent) -> None:
    if "what" in event.data:
        facts[event.data["what"]] = event.data["to"]
    else:
        facts.pop("impact", None)
        facts.pop("urgency", None)


def _answered(facts: Facts, event: TimelineEvent) -> None:
    if "question" in event.data and "answers" in facts:
        facts["answers"][event.data["question"]] = event.data["to"]
    else:
        facts.pop("answers", None)


def _moved(facts: Facts, event: TimelineEvent) -> None:
    to = event.data.get("to")
    if to is None:
        for name in ("status", "closure", "mitigated_at", "monitoring_at", "resolved_at"):
            facts.pop(name, None)
        return
    facts |= {"status": to, "closure": event.data.get("closure", "")}
    facts["resolved_at"] = event.occurred_at if to == Status.RESOLVED else None
    if to == Status.MITIGATED and facts.get("mitigated_at", event) is None:
        facts["mitigated_at"] = event.occurred_at
    if to == Status.MONITORING:
        facts["monitoring_at"] = event.occurred_at


def _acknowledged(facts: Facts, event: TimelineEvent) -> None:
    facts["acknowledged_at"] = event.occurred_at


def _milestone(facts: Facts, event: TimelineEvent) -> None:
    if "key" not in event.data:
        for name in _MILESTONES.values():
            facts.pop(name, None)
    elif (column := _MILESTONES.get(event.data["key"])) is not None:
        facts[column] = parse_rfc3339(event.data["to"])


def _put(facts: Facts, name: str, value: Any) -> None:
    """What a redaction dropped is not known any more."""
    if value is None:
        facts.pop(name, None)
    else:
        facts[name] = value


def _value(incident: Incident, name: str) -> Any:
    if name == "environment":
        return incident.environment.slug if incident.environment else ""
    return getattr(incident, name)


def _word(value: Any) -> str:
    if value is None or value in ("", {}):
        return "empty"
    return rfc3339(value) if hasattr(value, "tzinfo") else f"{value}"[:80]


_READ: dict[str, Callable[[Facts, TimelineEvent], None]] = {
    EventKind.DECLARED: _declared,
    EventKind.SUMMARY_CHANGED: _summary,
    EventKind.IMPACT_CHANGED: _impact,
    EventKind.QUESTION_ANSWERED: _answered,
    EventKind.STATUS_CHANGED: _moved,
    EventKind.REOPENED: _moved,
    EventKind.ACKNOWLEDGED: _acknowledged,
    EventKind.MILESTONE_SET: _milestone,
    **dict.fromkeys(_CHANGED, _changed),
}
