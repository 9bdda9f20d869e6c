"""Gives every alert its disposition. Sending one again changes nothing but how often it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment
from conductor.tenancy.viewing import viewing_as
from incidents.alerts.signal import Signal
from incidents.lifecycle import declare_incident, note_alert, record_alert, settle_alert
from incidents.models import AlertRecord, Incident, Outcome
from incidents.response.policy import policy_in_force


@dataclass(frozen=True)
class Disposition:
    """What became of one alert, and why."""

    fingerprint: str
    name: str
    outcome: Outcome
    reason: str
    incident: Incident | None = None


def take_in(*, tenant_id: UUID, signals: Iterable[Signal], actor: Actor, now: datetime) -> list[Disposition]:
    """Give every alert its disposition, in order. An alert never moves an incident's status; a person does.

    An alert may join a private incident that whoever sends it cannot see: the answer names it by its number alone.
    """
    require(actor=actor, permission="respond")
    sender = replace(actor, channel="alert")
    # The sender sees nothing of the incident, so what it may see does not matter here.
    with viewing_as(None):
        return [_take(tenant_id, signal, sender, now) for signal in signals]


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
    if signal.is_firing:
        return _fired(tenant_id, signal, record, actor, now) if is_new else _again(signal, record)
    return _ended(signal, record, is_new, actor, now)


def _fired(tenant_id: UUID, signal: Signal, record: AlertRecord, actor: Actor, now: datetime) -> Disposition:
    if signal.severity is None:
        return _settle(record, Outcome.NO_INCIDENT, 'Its label severity is "none".', None, actor, now)
    if signal.severity in policy_in_force().content.hold_alerts_of:
        reason = f"Alerts of {signal.severity} wait for a person, by the response policy."
        return Disposition(record.fingerprint, record.name, Outcome.PENDING, reason)
    incident, is_new = declare_incident(
        tenant_id=tenant_id,
        title=signal.title,
        severity=signal.severity,
        actor=actor,
        now=now,
        summary=signal.summary,
        environment=Environment.objects.filter(slug=signal.environment).first() if signal.environment else None,
        service=signal.service,
        dedup_key=signal.group_key,
        detected_at=record.starts_at,
    )
    record_alert(
        incident=incident,
        is_firing=True,
        alert=_facts(signal, record),
        occurred_at=record.starts_at,
        actor=actor,
        now=now,
    )
    if is_new:
        return _settle(record, Outcome.DECLARED, f"It declared {incident.code}.", incident, actor, now)
    reason = f"{incident.code} was live for this group of alerts."
    return _settle(record, Outcome.ATTACHED, reason, incident, actor, now)


def _again(signal: Signal, record: AlertRecord) -> Disposition:
    if record.incident is not None:
        reason = f"{record.incident.code} has it on its timeline already."
        return Disposition(record.fingerprint, record.name, Outcome.REPEATED, reason, record.incident)
    outcome = Outcome(record.outcome)
    return Disposition(record.fingerprint, record.name, outcome, record.reason or "It waits for a person.")


def _ended(signal: Signal, record: AlertRecord, is_new: bool, actor: Actor, now: datetime) -> Disposition:
    if record.incident is None:
        if is_new:
            return _settle(record, Outcome.NO_INCIDENT, "No incident has seen it fire.", None, actor, now)
        return _again(signal, record)
    event = record_alert(
        incident=record.incident,
        is_firing=False,
        alert=_facts(signal, record),
        occurred_at=record.ended_at or now,
        actor=actor,
        now=now,
    )
    code = record.incident.code
    if event is None:
        reason = f"{code} has its end on its timeline already."
        return Disposition(record.fingerprint, record.name, Outcome.REPEATED, reason, record.incident)
    reason = f"{code} keeps its status until a person moves it."
    return Disposition(record.fingerprint, record.name, Outcome.ENDED, reason, record.incident)


def _settle(
    record: AlertRecord, outcome: Outcome, reason: str, incident: Incident | None, actor: Actor, now: datetime
) -> Disposition:
    settle_alert(alert=record, outcome=outcome, reason=reason, incident=incident, actor=actor, now=now)
    return Disposition(record.fingerprint, record.name, outcome, reason, incident)


def _facts(signal: Signal, record: AlertRecord) -> dict[str, str]:
    """The alert as its timeline entry keeps it."""
    return {
        "name": record.name,
        "fingerprint": record.fingerprint,
        "starts_at": rfc3339(record.starts_at),
        "severity": signal.labels.get("severity", ""),
        "service": signal.service,
        "generator_url": signal.url,
        "runbook_url": signal.runbook_url,
        "summary": signal.summary,
    }
