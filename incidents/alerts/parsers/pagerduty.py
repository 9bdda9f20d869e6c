"""The two shapes of PagerDuty: events that tools send to it (Events API v2), and webhooks that it sends (v3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor.lib.canonical import sha256_hex
from incidents.alerts.parsers.severity_words import severity_of
from incidents.alerts.parsers.signal import Fault, Notification, Signal, group_of, identity_of, unreadable
from incidents.alerts.parsers.values import line, mapping, moment, text

ACTIONS = ("trigger", "acknowledge", "resolve")
FIRES, ENDS, PING = ("incident.triggered", "incident.reopened"), "incident.resolved", "pagey.ping"
URGENCIES = {"high": "critical", "low": "info"}


def read_event(document: Mapping[str, Any], *, source: str, words: Mapping[str, str]) -> Notification:
    """Read an event of the Events API v2. Somebody's acknowledgement elsewhere says nothing about the alert."""
    said = mapping(document.get("payload"))
    action, key = line(document.get("event_action"), 40).casefold(), _key(document, said)
    if action not in ACTIONS:
        reason = f"The event_action is “{action}”, not one of {', '.join(ACTIONS)}."
    elif not key:
        reason = "It has neither a dedup_key nor a payload with a summary."
    else:
        reason = ""
    if reason:
        return Notification((unreadable(source, dict(document), reason),), (Fault("event", reason),), key=key)
    if action == "acknowledge":
        return Notification(key=key)
    asked = severity_of({"severity": line(said.get("severity"), 40) or "warning"}, words)
    summary = text(said.get("summary"), 4000)
    found = Signal(
        source=source,
        fingerprint=identity_of(key),
        group_key=group_of(source, key),
        is_firing=action == "trigger",
        name=line(summary, 200) or f"Alert {key}"[:200],
        severity=asked.severity,
        unmapped=asked.unmapped,
        starts_at=moment(said.get("timestamp")),
        summary=summary,
        service=line(said.get("component") or said.get("source"), 200),
        url=line(document.get("client_url"), 500),
        test_of="this source" if document.get("test") is True else "",
    )
    return Notification((found,), key=key)


def _key(document: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """The sender's key, or one made of what is wrong and where."""
    summary = text(said.get("summary"), 4000)
    made = sha256_hex(f"{text(said.get('source'), 4000)}\0{summary}".encode())[:32] if summary else ""
    return line(document.get("dedup_key"), 255) or made


def read_webhook(document: Mapping[str, Any], *, source: str, words: Mapping[str, str]) -> Notification:
    """Read a webhook (v3): a firing for `incident.triggered` and `.reopened`, an end for `.resolved`, or its test."""
    event = mapping(document.get("event"))
    kind, about = line(event.get("event_type"), 80), mapping(event.get("data"))
    identity = line(about.get("id") or (event.get("id") if kind == PING else ""), 1000)
    if kind not in (*FIRES, ENDS, PING) or not identity:
        return Notification()
    urgency = line(about.get("urgency"), 40)
    asked = severity_of({"severity": urgency}, words)
    if asked.unmapped or (urgency in URGENCIES and urgency not in words):
        asked = severity_of({"severity": URGENCIES.get(urgency, "warning")}, words)
    found = Signal(
        source=source,
        fingerprint="ping" if kind == PING else identity_of(identity),
        group_key=group_of(source, identity),
        is_firing=kind != ENDS,
        name=line(about.get("title"), 200) or f"PagerDuty {identity}"[:200],
        severity=asked.severity,
        starts_at=None,
        service=line(mapping(about.get("service")).get("summary"), 200),
        url=line(about.get("html_url"), 500),
        test_of="PagerDuty" if kind == PING else "",
    )
    return Notification((found,))
