"""Conductor's own shape, for anything that can send JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from conductor.lib.canonical import sha256_hex
from incidents.alerts.signal import Signal, severity_of


class GenericAlert(BaseModel):
    """One alert. The same `key` is the same alert; the same `group` the same incident."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=120)
    status: Literal["firing", "ended"] = "firing"
    name: str = Field(min_length=1, max_length=200)
    severity: str = Field("", max_length=40, description="critical, warning, info, none, or SEV1 to SEV4.")
    group: str = Field(
        "", max_length=200, description="Alerts of one group make one incident. Without it each makes its own."
    )
    summary: str = Field("", max_length=4000)
    service: str = Field("", max_length=200)
    environment: str = Field("", max_length=40)
    starts_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    url: str = Field("", max_length=500)
    runbook_url: str = Field("", max_length=500)


class GenericWebhook(BaseModel):
    """A notification."""

    model_config = ConfigDict(extra="forbid")

    alerts: list[GenericAlert] = Field(min_length=1, max_length=500)

    def signals(self, *, source: str = "webhook") -> Iterator[Signal]:
        """Yield the alerts of the notification."""
        for alert in self.alerts:
            word = "sev" if alert.severity.upper().startswith("SEV") else "severity"
            yield Signal(
                source=source,
                fingerprint=alert.key,
                group_key=f"{source}:{sha256_hex((alert.group or alert.key).encode())[:32]}",
                is_firing=alert.status == "firing",
                name=alert.name,
                severity=severity_of({word: alert.severity}),
                starts_at=alert.starts_at,
                ended_at=alert.ended_at,
                summary=alert.summary,
                service=alert.service,
                environment=alert.environment,
                url=alert.url,
                runbook_url=alert.runbook_url,
            )
