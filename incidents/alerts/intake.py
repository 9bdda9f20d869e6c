"""Gives every alert its disposition. Sending one again changes nothing but how often it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from conductor.lib.clock import rfc3339
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.models import Environment
from incidents.alerts.lifecycle import hold_alert, note_alert, settle_alert
from incidents.alerts.parsers.severity_words import UNCLEAR
from incidents.alerts.parsers.signal import Notification, Signal
from incidents.alerts.refiring import record_left_out, record_still_firing
from incidents.incident.lifecycle import declare_incident
from incidents.models.alert import AlertRecord, Outcome
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.response.policy import policy_in_force
from incidents.timeline.lifecycle import record_alert

OLDEST = timedelta(days=5 * 365)
"""A start that lies further back is none: systems send the zero of their clocks for a time that they do not know."""
AHEAD = timedelta(days=1)
SENDERS = {"alertmanager": "Alertmanager", "grafana": "Grafana", "pagerduty": "PagerDuty"}
"""The sources that alerts of tokens come from, as people call them. Others go by the name of their alert source."""
NEW = (Outcome.DECLARED, Outcome.ATTACHED)


@dataclass(frozen=True)
class Disposition:
    """What became of one alert, and why."""

    fingerprint: str
    name: str
    outcome: Outcome
    reason: str
    incident: Incident | None = None


def take_in(*, tenant_id: UUID, notification: Notification, actor: Actor, now: datetime) -> list[Disposition]:
    """Give every alert its disposition, in order. An alert never moves an incident's status; a person does.

    What is written is signed by the source of the alert and not by the person whose token its sender holds. An alert
    may join a private incident that its sender cannot see: the answer names it by its number alone.
    """
    require(actor=actor, permission="respond")
    # The sender sees nothing of the incident, so what it may see does not matter here.
    with viewing_as(None):
        found = [_take(tenant_id, _dated(each, now), _sender(each, actor), now) for each in notification.signals]
        if notification.left_out:
            _tell_left_out(notification, found, actor, now)
    return found


def _sender(signal: Signal, actor: Actor) -> Actor:
    name = SENDERS.get(signal.source, signal.source)
    return replace(Actor.system(name, channel="alert", proof=actor.proof), authentication=actor.authentication)


def _dated(signal: Signal, now: datetime) -> Signal:
    """Return the signal without times that cannot be: the time of its arrival stands in for them."""
    oldest, latest = now - OLDEST, now + AHEAD
    starts_at = signal.starts_at if signal.starts_at and oldest <= signal.starts_at <= latest else None
    ended_at = min(signal.ended_at, now) if signal.ended_at and signal.ended_at >= oldest else None
    return replace(signal, starts_at=starts_at, ended_at=ended_at)


def _tell_left_out(notification: Notification, found: Iterable[Disposition], actor: Actor, now: datetime) -> None:
    """Say on every incident that this notification began or joined how many of its alerts are unknown."""
    incidents = {each.incident.id: each.incident for each in found if each.incident and each.outcome in NEW}
    sender = _sender(notification.signals[0], actor) if notification.signals else actor
    for incident in incidents.values():
        record_left_out(incident=incident, left_out=notification.left_out, actor=sender, now=now)


def _take(tenant_id: UUID, signal: Signal, actor: Actor, now: datetime) -> Disposition:
    record, is_new = note_alert(
        tenant_id=tenant_id,
        source=signal.source,
        fingerprint=signal.fingerprint,
        starts_at=signal.starts_at,
        is_firing=signal.is_firing,
        ended_at=signal.ended_at,
        facts={
            "name": signal.name[:200],
            "summary": signal.summary,
            "severity": signal.severity or "",
            "service": signal.service,
            "labels": signal.labels,
            "url": signal.url,
        },
        actor=actor,
        now=now,
    )
    if signal.test_of:
        return _tested(signal, record, is_new, actor, now)
    if not signal.is_firing:
        return _ended(signal, record, is_new, actor, now)
    if not is_new:
        return _again(signal, record, actor, now)
    fired = _fired(tenant_id, signal, record, actor, now)
    if fired.incident is not None and record.ended_at is not None:
        # Its end came before it.
        _record(signal, record, fired.incident, False, actor, now)
    return fired


def _tested(signal: Signal, record: AlertRecord, is_new: bool, actor: Actor, now: datetime) -> Disposition:
    if not is_new:
        return _again(signal, record, actor, now)
    return _settle(record, Outcome.NO_INCIDENT, f"A test of {signal.test_of}: it arrived.", None, actor, now)


def _fired(tenant_id: UUID, signal: Signal, record: AlertRecord, actor: Actor, now: datetime) -> Disposition:
    if signal.fault:
        return _hold(record, f"It could not be read and waits for a person. {signal.fault}", actor)
    if signal.severity is None:
        return _settle(record, Outcome.NO_INCIDENT, "Its severity means that it is no incident.", None, actor, now)
    if signal.severity in policy_in_force().content.hold_alerts_of:
        return _hold(record, f"Alerts of {signal.severity} wait for a person, by the response policy.", actor)
    try:
        incident, is_new = _declare(tenant_id, signal, record, actor, now)
    except Refused as refused:
        # Its sender cannot answer a refusal, and may never send it again.
        return _hold(record, f"It declared nothing and waits for a person: {refused.detail}", actor)
    _record(signal, record, incident, True, actor, now)
    reason = f"It declared {incident.code}." if is_new else f"{incident.code} was live for this group of alerts."
    if signal.unmapped:
        reason += f" Nothing says what its severity “{signal.unmapped}” means: {UNCLEAR} was assumed."
    outcome = Outcome.DECLARED if is_new else Outcome.ATTACHED
    return _settle(record, outcome, reason, incident, actor, now)


def _declare(
    tenant_id: UUID, signal: Signal, record: AlertRecord, actor: Actor, now: datetime
) -> tuple[Incident, bool]:
    return declare_incident(
        tenant_id=tenant_id,
        title=signal.title,
        severity=str(signal.severity),
        actor=actor,
        now=now,
        summary=signal.summary,
        environment=Environment.objects.filter(slug=signal.environment).first() if signal.environment else None,
        service=signal.service,
        dedup_key=signal.group_key,
        detected_at=record.starts_at,
    )


def _again(signal: Signal, record: AlertRecord, actor: Actor, now: datetime) -> Disposition:
    incident = record.incident
    if incident is None:
        outcome = Outcome(record.outcome)
        return Disposition(record.fingerprint, record.name, outcome, record.reason or "It waits for a person.")
    reason = f"{incident.code} has it on its timeline already."
    if signal.is_firing and record.ended_at is None and incident.status == Status.RESOLVED:
        record_still_firing(incident=incident, alert=_facts(signal, record), actor=actor, now=now)
        reason = f"{incident.code} was resolved, but it still fires: its timeline says so."
    return Disposition(record.fingerprint, record.name, Outcome.REPEATED, reason, incident)


def _ended(signal: Signal, record: AlertRecord, is_new: bool, actor: Actor, now: datetime) -> Disposition:
    incident = record.incident
    if incident is None:
        if is_new:
            return _settle(record, Outcome.NO_INCIDENT, "No incident has seen it fire.", None, actor, now)
        return _again(signal, record, actor, now)
    if not _record(signal, record, incident, False, actor, now):
        reason = f"{incident.code} has its end on its timeline already."
        return Disposition(record.fingerprint, record.name, Outcome.REPEATED, reason, incident)
    reason = f"{incident.code} keeps its status until a person moves it."
    return Disposition(record.fingerprint, record.name, Outcome.ENDED, reason, incident)


def _record(
    signal: Signal, record: AlertRecord, incident: Incident, is_firing: bool, actor: Actor, now: datetime
) -> bool:
    """Put it on the incident's timeline; return False where it stands there already."""
    event = record_alert(
        incident=incident,
        is_firing=is_firing,
        alert=_facts(signal, record),
        occurred_at=record.starts_at if is_firing else record.ended_at or now,
        actor=actor,
        now=now,
    )
    return event is not None


def _hold(record: AlertRecord, reason: str, actor: Actor) -> Disposition:
    hold_alert(alert=record, reason=reason, actor=actor)
    return Disposition(record.fingerprint, record.name, Outcome.PENDING, reason)


def _settle(
    record: AlertRecord, outcome: Outcome, reason: str, incident: Incident | None, actor: Actor, now: datetime
) -> Disposition:
    settle_alert(alert=record, outcome=outcome, reason=reason, incident=incident, actor=actor, now=now)
    return Disposition(record.fingerprint, record.name, outcome, reason, incident)


def _facts(signal: Signal, record: AlertRecord) -> dict[str, str]:
    """The alert as its timeline entry keeps it."""
    facts = {
        "name": record.name,
        "fingerprint": record.fingerprint,
        "starts_at": rfc3339(record.starts_at),
        "severity": signal.labels.get("severity", ""),
        "service": signal.service,
        "generator_url": signal.url,
        "runbook_url": signal.runbook_url,
        "summary": signal.summary,
    }
    return facts | ({"unmapped": signal.unmapped, "assumed": str(UNCLEAR)} if signal.unmapped else {})
