"""Conductor's own shape, for anything that can send JSON (docs/how-to/receive-alerts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.alerts.parsers.severity_words import severity_of
from incidents.alerts.parsers.signal import Notification, Signal, group_of, identity_of, read_items, state_of
from incidents.alerts.parsers.values import line, moment, text


def read_generic(document: Mapping[str, Any], *, source: str, words: Mapping[str, str]) -> Notification:
    """Read a notification. The same `key` is the same alert; the same `group` the same incident.

    Raise Unreadable without alerts.
    """

    def read(alert: Mapping[str, Any]) -> Signal:
        return _alert(alert, source, words)

    return read_items(document.get("alerts"), read, source=source, omitted=0)


def _alert(alert: Mapping[str, Any], source: str, words: Mapping[str, str]) -> Signal:
    name, key = line(alert.get("name"), 200), line(alert.get("key"), 1000)
    if not name and not key:
        raise ValueError("It has neither a key nor a name.")
    asked = severity_of({"severity": line(alert.get("severity"), 40)}, words)
    return Signal(
        source=source,
        fingerprint=identity_of(key or name),
        group_key=group_of(source, text(alert.get("group"), 1000) or key or name),
        is_firing=state_of(alert.get("status") or "firing", firing=("firing",), ended=("ended", "resolved")),
        name=name or key[:200],
        severity=asked.severity,
        unmapped=asked.unmapped,
        starts_at=moment(alert.get("starts_at")),
        ended_at=moment(alert.get("ended_at")),
        summary=text(alert.get("summary"), 4000),
        service=line(alert.get("service"), 200),
        environment=line(alert.get("environment"), 40),
        url=line(alert.get("url"), 500),
        runbook_url=line(alert.get("runbook_url"), 500),
        test_of="this source" if alert.get("test") is True else "",
    )
