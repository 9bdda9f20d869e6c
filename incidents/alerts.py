"""Alert intake: what Alertmanager's webhook (version 4) says, and what becomes of each alert in it.

Severity: the label `sev` (`1` to `4`, or `SEV1` to `SEV4`) decides; else the label `severity`: critical is SEV2,
warning SEV3, info SEV4, none is no incident, and anything else SEV3. SEV1 is for people to declare, or for a rule
that says so with `sev`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment
from incidents.lifecycle import declare_incident, record_alert
from incidents.models import EventKind, Incident, Severity

SEVERITIES = {"critical": Severity.SEV2, "warning": Severity.SEV3, "info": Severity.SEV4}
UNCLEAR = Severity.SEV3
"""For an alert whose severity is missing or a word that we do not know: seen, not shouted."""
MAX_ALERTS = 500


class Alert(BaseModel):
    """One alert of a notification."""

    model_config = ConfigDict(populate_by_name=True)

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt")
    generator_url: str = Field(default="", alias="generatorURL")
    fingerprint: str = ""
    """Alertmanager's own; versions before 0.18 sent none."""

    @property
    def key(self) -> str:
        """What tells the alert from others: its fingerprint, or one made of its labels."""
        return self.fingerprint[:64] or sha256_hex(canonical_json(self.labels))[:16]


class AlertmanagerWebhook(BaseModel):
    """A notification of one group of alerts (Prometheus manual, alerting, `<webhook_config>`)."""

    model_config = ConfigDict(populate_by_name=True)

    version: Literal["4"]
    group_key: str = Field(alias="groupKey", min_length=1)
    status: Literal["firing", "resolved"]
    receiver: str = ""
    alerts: list[Alert] = Field(min_length=1, max_length=MAX_ALERTS)
    truncated_alerts: int = Field(default=0, alias="truncatedAlerts", ge=0)
    external_url: str = Field(default="", alias="externalURL")

    @property
    def dedup_key(self) -> str:
        """The same for every notification of the group, whichever Alertmanager of a cluster sends it."""
        return f"alertmanager:{sha256_hex(self.group_key.encode())[:32]}"


class Outcome(StrEnum):
    """What became of an alert."""

    DECLARED = "DECLARED"
    """It declared an incident."""
    ATTACHED = "ATTACHED"
    """It fired into an incident that was live already."""
    ENDED = "ENDED"
    """It ended, and the incident's timeline says so. Its status stays: people resolve incidents."""
    REPEATED = "REPEATED"
    """The timeline says so already."""
    NO_INCIDENT = "NO_INCIDENT"
    """There is no incident about it, and `reason` says why."""


@dataclass(frozen=True)
class Disposition:
    """What became of one alert, and why."""

    fingerprint: str
    name: str
    outcome: Outcome
    reason: str
    incident: Incident | None = None


def take_in(*, tenant_id: UUID, webhook: AlertmanagerWebhook, actor: Actor, now: datetime) -> list[Disposition]:
    """Give every alert of the notification its disposition, in order. Sending it again changes nothing."""
    require(actor=actor, permission="respond")
    sender = replace(actor, channel="alert")
    take = {"firing": _fired, "resolved": _ended}
    return [take[alert.status](tenant_id, webhook, alert, sender, now) for alert in webhook.alerts]


def severity_of(labels: Mapping[str, str]) -> Severity | None:
    """Return the severity that the labels ask for; None when they say that it is no incident."""
    stated = labels.get("sev", "").strip().upper().removeprefix("SEV")
    if f"SEV{stated}" in Severity.values:
        return Severity(f"SEV{stated}")
    word = labels.get("severity", "").strip().lower()
    return None if word == "none" else SEVERITIES.get(word, UNCLEAR)


def _fired(tenant_id: UUID, webhook: AlertmanagerWebhook, alert: Alert, actor: Actor, now: datetime) -> Disposition:
    severity = severity_of(alert.labels)
    if severity is None:
        return _disposition(alert, Outcome.NO_INCIDENT, 'Its label severity is "none".')
    incident, is_new = declare_incident(
        tenant_id=tenant_id,
        title=_title(alert),
        severity=severity,
        actor=actor,
        now=now,
        summary=_summary(alert),
        environment=_environment(alert.labels),
        service=_service(alert.labels),
        dedup_key=webhook.dedup_key,
        detected_at=alert.starts_at,
    )
    event = record_alert(
        incident=incident, is_firing=True, alert=_facts(alert), occurred_at=alert.starts_at, actor=actor, now=now
    )
    if is_new:
        return _disposition(alert, Outcome.DECLARED, f"It declared {incident.code}.", incident)
    if event is None:
        return _disposition(alert, Outcome.REPEATED, f"{incident.code} has it on its timeline already.", incident)
    return _disposition(alert, Outcome.ATTACHED, f"{incident.code} was live for this group of alerts.", incident)


def _ended(tenant_id: UUID, webhook: AlertmanagerWebhook, alert: Alert, actor: Actor, now: datetime) -> Disposition:
    facts = _facts(alert)
    incident = _holder(webhook.dedup_key, facts)
    if incident is None:
        return _disposition(alert, Outcome.NO_INCIDENT, "No incident has seen it fire.")
    # Alertmanager sends the zero time of Go where it knows no end.
    ended_at = alert.ends_at if alert.ends_at and alert.ends_at >= alert.starts_at else now
    event = record_alert(incident=incident, is_firing=False, alert=facts, occurred_at=ended_at, actor=actor, now=now)
    if event is None:
        return _disposition(alert, Outcome.REPEATED, f"{incident.code} has its end on its timeline already.", incident)
    return _disposition(alert, Outcome.ENDED, f"{incident.code} keeps its status until a person moves it.", incident)


def _holder(dedup_key: str, facts: Mapping[str, str]) -> Incident | None:
    """Return the incident, live or resolved, whose timeline saw this alert fire."""
    return (
        Incident.objects.filter(
            dedup_key=dedup_key,
            timeline__kind=EventKind.ALERT_FIRED,
            timeline__data__fingerprint=facts["fingerprint"],
            timeline__data__starts_at=facts["starts_at"],
        )
        .order_by("-number")
        .first()
    )


def _facts(alert: Alert) -> dict[str, str]:
    """The alert as its timeline entry keeps it."""
    return {
        "name": _name(alert),
        "fingerprint": alert.key,
        "starts_at": rfc3339(alert.starts_at),
        "severity": alert.labels.get("severity", ""),
        "service": _service(alert.labels),
        "generator_url": alert.generator_url[:500],
        "runbook_url": alert.annotations.get("runbook_url", "")[:500],
        "summary": _summary(alert),
    }


def _name(alert: Alert) -> str:
    return alert.labels.get("alertname", "").strip()[:120] or f"Alert {alert.key}"


def _service(labels: Mapping[str, str]) -> str:
    return (labels.get("service") or labels.get("job") or "").strip()[:200]


def _title(alert: Alert) -> str:
    service = _service(alert.labels)
    return f"{_name(alert)} on {service}"[:200] if service else _name(alert)


def _summary(alert: Alert) -> str:
    parts = [alert.annotations.get(name, "").strip() for name in ("summary", "description")]
    return "\n\n".join(part for part in parts if part)[:4000]


def _environment(labels: Mapping[str, str]) -> Environment | None:
    slug = labels.get("environment") or labels.get("env") or ""
    return Environment.objects.filter(slug=slug).first() if slug else None


def _disposition(alert: Alert, outcome: Outcome, reason: str, incident: Incident | None = None) -> Disposition:
    return Disposition(alert.key, _name(alert), outcome, reason, incident)
