"""What Alertmanager's webhook (version 4) says, and Grafana's, which has grown from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.alerts.parsers.severity_words import severity_of
from incidents.alerts.parsers.signal import Notification, Signal, group_of, identity_of, read_items, state_of
from incidents.alerts.parsers.values import count, line, moment, text, texts

TEST_LABELS = {"alertname": "TestAlert", "instance": "Grafana"}
"""The labels of the alert that Grafana's Test button sends (grafana, pkg/services/ngalert/notifier)."""


def read_alertmanager(document: Mapping[str, Any], *, source: str, words: Mapping[str, str]) -> Notification:
    """Read a notification of one group of alerts (Prometheus manual, alerting, `<webhook_config>`).

    Grafana's contact point adds to the same shape what is not needed here. Raise Unreadable without alerts.
    """
    group = text(document.get("groupKey"), 100_000)

    def read(alert: Mapping[str, Any]) -> Signal:
        return _alert(alert, source, group, words)

    omitted = count(document.get("truncatedAlerts"))
    return read_items(document.get("alerts"), read, source=source, omitted=omitted)


def _alert(alert: Mapping[str, Any], source: str, group: str, words: Mapping[str, str]) -> Signal:
    labels, notes = texts(alert.get("labels")), texts(alert.get("annotations"))
    # Alertmanager's own fingerprint; versions before 0.18 sent none.
    key = line(alert.get("fingerprint"), 1000)
    if not key and not labels:
        raise ValueError("It has neither labels nor a fingerprint.")
    key = key or sha256_hex(canonical_json(labels))[:16]
    started, ended = moment(alert.get("startsAt")), moment(alert.get("endsAt"))
    asked = severity_of(labels, words)
    parts = [notes.get(name, "") for name in ("summary", "description")]
    return Signal(
        source=source,
        fingerprint=identity_of(key),
        group_key=group_of(source, group or key),
        is_firing=state_of(alert.get("status"), firing=("firing",), ended=("resolved",)),
        name=line(labels.get("alertname"), 120) or f"Alert {key}",
        severity=asked.severity,
        unmapped=asked.unmapped,
        starts_at=started,
        # Alertmanager sends the zero time of Go where it knows no end.
        ended_at=ended if ended and (started is None or ended >= started) else None,
        summary="\n\n".join(part for part in parts if part)[:4000],
        service=line(labels.get("service") or labels.get("job"), 200),
        environment=line(labels.get("environment") or labels.get("env"), 40),
        url=line(alert.get("generatorURL"), 500),
        runbook_url=line(notes.get("runbook_url"), 500),
        labels=labels,
        test_of="Grafana" if TEST_LABELS.items() <= labels.items() else "",
    )
