"""An alert as every sender's shape comes down to it.

Severity: the label `sev` (`1` to `4`, or `SEV1` to `SEV4`) decides; else the label `severity`: critical is SEV2, error
and warning SEV3, info SEV4, none is no incident, and anything else SEV3. SEV1 is for people to declare, or for a rule
that says so with `sev`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incidents.models import Severity

SEVERITIES = {
    "critical": Severity.SEV2,
    "error": Severity.SEV3,
    "warning": Severity.SEV3,
    "info": Severity.SEV4,
}
UNCLEAR = Severity.SEV3
"""For an alert whose severity is missing or a word that we do not know: seen, not shouted."""


@dataclass(frozen=True)
class Signal:
    """One alert of a notification: it fires, or it has ended."""

    source: str
    fingerprint: str
    group_key: str
    """The deduplication key of the incident that it belongs to."""
    is_firing: bool
    name: str
    severity: Severity | None
    """None where the sender says that it is no incident."""
    starts_at: datetime | None
    """None where the sender does not say: then the firing that is open is meant."""
    ended_at: datetime | None = None
    summary: str = ""
    service: str = ""
    environment: str = ""
    url: str = ""
    runbook_url: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What an incident about it is called."""
        return f"{self.name} on {self.service}"[:200] if self.service else self.name


def severity_of(labels: Mapping[str, str]) -> Severity | None:
    """Return the severity that the labels ask for; None when they say that it is no incident."""
    stated = labels.get("sev", "").strip().upper().removeprefix("SEV")
    if f"SEV{stated}" in Severity.values:
        return Severity(f"SEV{stated}")
    word = labels.get("severity", "").strip().lower()
    return None if word == "none" else SEVERITIES.get(word, UNCLEAR)


def text(value: object, most: int) -> str:
    """Return a sender's value as text of at most `most` characters, without surrounding space."""
    return str(value or "").strip()[:most]
