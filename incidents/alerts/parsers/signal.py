"""An alert as every sender's shape comes down to it, and a notification of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.alerts.parsers.values import Unreadable, text
from incidents.models.choices import Severity

MOST_ALERTS = 500
"""So many alerts of one notification are taken in; the rest are counted and reported."""

LONGEST_IDENTITY = 120
LEGIBLE = 80
"""So much of a longer key is kept to be read; a digest tells it from others that begin alike."""


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
    unmapped: str = ""
    """The sender's word for the severity, where nothing says what it means."""
    test_of: str = ""
    """The product that a person tries out with this alert; empty for one that means it."""
    fault: str = ""
    """Why the alert could not be read; empty for one that could."""

    @property
    def title(self) -> str:
        """What an incident about it is called."""
        return f"{self.name} on {self.service}"[:200] if self.service else self.name


@dataclass(frozen=True)
class Fault:
    """An alert of a notification that could not be read: where it stands, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class Notification:
    """What one request brings."""

    signals: tuple[Signal, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: int = 0
    """Alerts beyond MOST_ALERTS, or that the sender left out; nothing is known of them."""
    key: str = ""
    """The key that the sender knows the alert by, where it sends one at a time."""


def read_items(items: Any, read: Callable[[Mapping[str, Any]], Signal], *, source: str, omitted: int) -> Notification:
    """Read the alerts of a notification one by one, so that a bad one spoils no other.

    One that cannot be read becomes a signal with its fault, for a person to look at. Raise Unreadable without a list.
    """
    if not isinstance(items, list):
        raise Unreadable("Send a list of alerts.", fields={"alerts": ["This is not a list."]})
    signals, faults = [], []
    for place, item in enumerate(items[:MOST_ALERTS]):
        try:
            if not isinstance(item, dict):
                raise ValueError("This is not an object.")
            signals.append(read(item))
        except ValueError as error:
            where = f"alerts.{place}"
            faults.append(Fault(where, str(error)))
            signals.append(unreadable(source, item, f"{where}: {error}"))
    return Notification(tuple(signals), tuple(faults), omitted + max(0, len(items) - MOST_ALERTS))


def unreadable(source: str, item: Any, why: str) -> Signal:
    """Return a signal for what could not be read: it carries what was sent, and why it was not understood."""
    digest = sha256_hex(canonical_json({"sent": text(item, 100_000)}))[:32]
    return Signal(
        source=source,
        fingerprint=f"unreadable:{digest}",
        group_key=f"{source}:unreadable:{digest}",
        is_firing=True,
        name="Alert that could not be read",
        severity=Severity.SEV3,
        starts_at=None,
        summary=text(item, 4000),
        fault=why,
    )


def identity_of(key: str) -> str:
    """Return what tells one alert of a sender from another: its key, or one that stands for a key too long to keep."""
    if len(key) <= LONGEST_IDENTITY:
        return key
    return f"{key[:LEGIBLE]}:{sha256_hex(key.encode())[:32]}"


def group_of(source: str, key: str) -> str:
    """Return the deduplication key of a sender's group: the same whichever instance of a cluster sends it."""
    return f"{source}:{sha256_hex(key.encode())[:32]}"


def state_of(value: object, *, firing: Iterable[str], ended: Iterable[str]) -> bool:
    """Return whether the alert fires. Raise ValueError for a state that means neither."""
    word = text(value, 40).casefold()
    if word in firing:
        return True
    if word in ended:
        return False
    known = ", ".join([*firing, *ended])
    raise ValueError(f"The status is “{word}”, not one of {known}." if word else f"The status is missing: {known}.")
