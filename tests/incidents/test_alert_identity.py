"""What tells one alert of a sender from another."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.alerts.parsers.alertmanager import read_alertmanager
from incidents.alerts.parsers.generic import read_generic
from incidents.alerts.parsers.pagerduty import read_event, read_webhook

LONG = "cluster/api-stats-prod/" * 10


def _sent(shape: str, key: str) -> tuple[Any, dict[str, Any]]:
    alert = {"key": key, "fingerprint": key, "status": "firing", "labels": {"alertname": "Down"}, "name": "Down"}
    payload = {"summary": "Down", "severity": "critical", "source": "db"}
    event = {"id": "01", "event_type": "incident.triggered", "data": {"id": key, "title": "Down"}}
    return {
        "events": (read_event, {"event_action": "trigger", "dedup_key": key, "payload": payload}),
        "webhook": (read_webhook, {"event": event}),
        "generic": (read_generic, {"alerts": [alert]}),
        "alertmanager": (read_alertmanager, {"alerts": [alert]}),
    }[shape]


@pytest.mark.fault("field-F16")
@pytest.mark.parametrize("shape", ["events", "webhook", "generic", "alertmanager"])
def test_keys_that_differ_only_at_their_end_are_two_alerts(shape: str) -> None:
    def read(key: str) -> Any:
        reader, document = _sent(shape, key)
        (signal,) = reader(document, source="s", words={}).signals
        return signal

    one, other = read(LONG + "a"), read(LONG + "b")

    assert one.fingerprint != other.fingerprint
    assert one.group_key != other.group_key
    assert max(len(one.fingerprint), len(other.fingerprint)) <= 120
    assert read("short").fingerprint == "short"
