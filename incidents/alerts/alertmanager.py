"""What Alertmanager's webhook (version 4) says, and Grafana's, which has grown from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.alerts.signal import Signal, severity_of, text

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


class _Notification(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    group_key: str = Field(alias="groupKey", min_length=1)
    status: Literal["firing", "resolved"]
    receiver: str = ""
    alerts: list[Alert] = Field(min_length=1, max_length=MAX_ALERTS)
    truncated_alerts: int = Field(default=0, alias="truncatedAlerts", ge=0)
    external_url: str = Field(default="", alias="externalURL")

    def _signals(self, source: str) -> Iterator[Signal]:
        # The same for every notification of the group, whichever instance of a cluster sends it.
        group_key = f"{source}:{sha256_hex(self.group_key.encode())[:32]}"
        for alert in self.alerts:
            labels, notes = alert.labels, alert.annotations
            parts = [notes.get(name, "").strip() for name in ("summary", "description")]
            # Alertmanager sends the zero time of Go where it knows no end.
            ended_at = alert.ends_at if alert.ends_at and alert.ends_at >= alert.starts_at else None
            yield Signal(
                source=source,
                fingerprint=alert.key,
                group_key=group_key,
                is_firing=alert.status == "firing",
                name=text(labels.get("alertname"), 120) or f"Alert {alert.key}",
                severity=severity_of(labels),
                starts_at=alert.starts_at,
                ended_at=ended_at,
                summary="\n\n".join(part for part in parts if part)[:4000],
                service=text(labels.get("service") or labels.get("job"), 200),
                environment=labels.get("environment") or labels.get("env") or "",
                url=alert.generator_url[:500],
                runbook_url=notes.get("runbook_url", "")[:500],
                labels=dict(list(labels.items())[:100]),
            )


class AlertmanagerWebhook(_Notification):
    """A notification of one group of alerts (Prometheus manual, alerting, `<webhook_config>`)."""

    version: Literal["4"]

    def signals(self) -> Iterator[Signal]:
        """Yield the alerts of the notification."""
        return self._signals("alertmanager")


class GrafanaWebhook(_Notification):
    """A notification of Grafana's webhook contact point; what it adds to Alertmanager's shape is not needed here."""

    version: Literal["1"] = "1"

    def signals(self) -> Iterator[Signal]:
        """Yield the alerts of the notification."""
        return self._signals("grafana")
