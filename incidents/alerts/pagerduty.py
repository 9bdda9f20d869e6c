"""The two shapes of PagerDuty: events that tools send to it (Events API v2), and webhooks that it sends (v3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from conductor.lib.canonical import sha256_hex
from incidents.alerts.signal import Signal, severity_of, text

Word = Literal["critical", "error", "warning", "info"]


class Payload(BaseModel):
    """What an event of the kind `trigger` says."""

    summary: str = Field(min_length=1, max_length=1024)
    source: str = ""
    severity: Word = "warning"
    timestamp: AwareDatetime | None = None
    component: str = ""
    group: str = ""


class PagerDutyEvent(BaseModel):
    """An event of the Events API v2, from a tool that is told to send it here. `routing_key` is not looked at."""

    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str = Field(default="", max_length=255)
    payload: Payload | None = None
    client_url: str = ""

    @model_validator(mode="after")
    def _complete(self) -> PagerDutyEvent:
        if self.event_action == "trigger" and self.payload is None:
            raise ValueError("an event that triggers needs a payload")
        if self.event_action != "trigger" and not self.dedup_key:
            raise ValueError("an event that does not trigger needs its dedup_key")
        return self

    @property
    def key(self) -> str:
        """The sender's key, or one made of what is wrong and where."""
        if self.dedup_key or self.payload is None:
            return self.dedup_key
        return sha256_hex(f"{self.payload.source}\0{self.payload.summary}".encode())[:32]

    def signals(self) -> Iterator[Signal]:
        """Yield the alert; somebody's acknowledgement elsewhere says nothing about it."""
        if self.event_action == "acknowledge":
            return
        said = self.payload or Payload(summary=f"Alert {self.key}")
        yield Signal(
            source="pagerduty",
            fingerprint=self.key[:120],
            group_key=f"pagerduty:{sha256_hex(self.key.encode())[:32]}",
            is_firing=self.event_action == "trigger",
            name=text(said.summary, 200),
            severity=severity_of({"severity": said.severity}),
            starts_at=said.timestamp,
            summary=text(said.summary, 1024),
            service=text(said.component or said.source, 200),
            url=self.client_url[:500],
        )


class PagerDutyWebhook(BaseModel):
    """A webhook of PagerDuty itself (v3), about an incident there."""

    event: dict[str, Any]

    def signals(self) -> Iterator[Signal]:
        """Yield a firing for `incident.triggered` and `.reopened`, an end for `incident.resolved`; else nothing."""
        kind, about = str(self.event.get("event_type", "")), self.event.get("data") or {}
        if kind not in {"incident.triggered", "incident.reopened", "incident.resolved"} or not about.get("id"):
            return
        service = about.get("service") or {}
        urgency = {"high": "critical", "low": "info"}.get(str(about.get("urgency")), "warning")
        yield Signal(
            source="pagerduty",
            fingerprint=text(about["id"], 120),
            group_key=f"pagerduty:{sha256_hex(str(about['id']).encode())[:32]}",
            is_firing=kind != "incident.resolved",
            name=text(about.get("title"), 200) or f"PagerDuty {about['id']}",
            severity=severity_of({"severity": urgency}),
            starts_at=None,
            service=text(service.get("summary"), 200),
            url=text(about.get("html_url"), 500),
        )
