"""Takes in what an alert source sends: its signature, its shape, and the answer to a delivery that is repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from conductor.lib.ids import uuid7
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.sessions.proof import of_alert_source
from incidents.alerts.deliveries import deliver_once
from incidents.alerts.intake import Disposition, take_in
from incidents.alerts.parsers.alertmanager import TEST_LABELS, read_alertmanager
from incidents.alerts.parsers.generic import read_generic
from incidents.alerts.parsers.pagerduty import PING, read_event, read_webhook
from incidents.alerts.parsers.signal import Notification
from incidents.alerts.parsers.values import document_of, line, mapping
from incidents.alerts.signatures import PREFIX, is_plausible, is_signed
from incidents.alerts.sources import SourceEnded, note_source_seen, secrets_of, source_by_key
from incidents.models.alert import AlertSource

Shape = AlertSource.Shape
Answer = dict[str, Any]
Admit = Callable[[AlertSource], None]
_READERS = {
    Shape.GENERIC: read_generic,
    Shape.ALERTMANAGER: read_alertmanager,
    Shape.GRAFANA: read_alertmanager,
    Shape.PAGERDUTY: read_webhook,
    Shape.EVENTS: read_event,
}


class Unsigned(Exception):
    """The request was not signed with the source's secret."""


def receive(
    *, source: AlertSource, headers: Mapping[str, str], body: bytes, now: datetime, admit: Admit = lambda source: None
) -> Answer:
    """Take a signed request in and return what became of each alert; a repeated delivery gets its first answer.

    `admit` is called once the signature holds, and may raise.
    Raise Unsigned, or Unreadable for a body in which there are no alerts to find. Needs the tenant's scope.
    """
    if source.shape == Shape.EVENTS:
        document = document_of(body)
        named = source_by_key(routing_key=key_in(document), now=now)
        if named is None or named.id != source.id:
            raise Unsigned
        admit(source)
        return receive_event(source=source, document=document, now=now)
    secrets = secrets_of(source, now=now)
    if not any(is_signed(shape=source.shape, secret=each, headers=headers, body=body, now=now) for each in secrets):
        raise Unsigned
    admit(source)
    return _take(source, document_of(body), headers, now)


def may_be_signed(source: AlertSource, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Whether a request with these headers can be the source's. Asked before its body is read, which may be large."""
    if source.shape == Shape.EVENTS:
        return True  # its key is in its body
    secrets = secrets_of(source, now=now)
    return any(is_plausible(shape=source.shape, secret=each, headers=headers, now=now) for each in secrets)


def key_in(document: Mapping[str, Any]) -> str:
    """Return the routing key of an event, which names and proves its source."""
    return line(document.get("routing_key"), 200)


def receive_event(*, source: AlertSource, document: Mapping[str, Any], now: datetime) -> Answer:
    """Take in an event whose routing key has named the source; answer as PagerDuty does, with ours beside it."""
    answer = _take(source, document, {}, now)
    return event_answer(read_event(document, source=source.name, words={}), answer)


def _take(source: AlertSource, document: Mapping[str, Any], headers: Mapping[str, str], now: datetime) -> Answer:
    note_source_seen(source=source, now=now)
    notification = _READERS[Shape(source.shape)](document, source=source.name, words=source.severity_words)
    proof = of_alert_source(source=ref("incidents.alert_source", source.id), name=source.name)
    actor = Actor.system(source.name, channel="alert", proof=proof)

    def take() -> Answer:
        found = take_in(tenant_id=source.tenant_id, notification=notification, actor=actor, now=now)
        return answer_of(notification, found)

    delivery_id = _delivery_id(source.shape, document, headers)
    if not delivery_id:
        return take()
    return deliver_once(source=source, delivery_id=delivery_id, now=now, take=take)[0]


def answer_of(notification: Notification, dispositions: list[Disposition]) -> Answer:
    """Return the answer to a notification as JSON."""
    told = [
        {
            "fingerprint": each.fingerprint,
            "name": each.name,
            "outcome": each.outcome.value,
            "reason": each.reason,
            "incident": each.incident.code if each.incident else None,
            "incident_number": each.incident.number if each.incident else None,
        }
        for each in dispositions
    ]
    faults = [{"place": each.place, "reason": each.reason} for each in notification.faults]
    return {"dispositions": told, "faults": faults, "truncated_alerts": notification.left_out}


def event_answer(notification: Notification, answer: Answer) -> Answer:
    """Return the answer as senders of PagerDuty's events expect it, with ours beside it."""
    faults = " ".join(each.reason for each in notification.faults)
    return {"status": "success", "message": faults or "Event processed", "dedup_key": notification.key, **answer}


def _delivery_id(shape: str, document: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The id by which the sender knows this delivery; both are signed. Empty where it gives none."""
    if shape == Shape.GENERIC:
        given = {name.lower(): value for name, value in headers.items()}
        return given.get("webhook-id", "")
    return line(mapping(document.get("event")).get("id"), 200) if shape == Shape.PAGERDUTY else ""


def try_out(*, source: AlertSource, now: datetime) -> Answer:
    """Send the source a test as its sender would: signed, read and given its disposition, which is no incident.

    Raise SourceEnded.
    """
    if source.disabled_at is not None:
        raise SourceEnded
    secret = secrets_of(source, now=now)[0]
    body = json.dumps(_test_of(source.shape, secret)).encode()
    return receive(source=source, headers=_signed(source.shape, secret, body, now), body=body, now=now)


def _test_of(shape: str, secret: str) -> Answer:
    if shape == Shape.PAGERDUTY:
        return {"event": {"id": str(uuid7()), "event_type": PING, "data": {"title": "Test of this source"}}}
    if shape == Shape.EVENTS:
        about = {"summary": "Test of this source", "source": "Conductor", "severity": "info"}
        named = {"routing_key": secret, "event_action": "trigger", "dedup_key": "test"}
        return {**named, "test": True, "payload": about}
    if shape == Shape.GENERIC:
        return {"alerts": [{"key": "test", "name": "Test of this source", "severity": "info", "test": True}]}
    return {"version": "4", "groupKey": "test", "alerts": [{"status": "firing", "labels": dict(TEST_LABELS)}]}


def _signed(shape: str, secret: str, body: bytes, now: datetime) -> dict[str, str]:
    if shape == Shape.GENERIC:
        identity, stamp = f"test_{uuid7()}", str(int(now.timestamp()))
        key = base64.b64decode(secret.removeprefix(PREFIX))
        digest = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": signature}
    if shape == Shape.EVENTS:
        return {}
    if shape == Shape.ALERTMANAGER:
        return {"authorization": f"Bearer {secret}"}
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if shape == Shape.PAGERDUTY:
        return {"x-pagerduty-signature": f"v1={signature}"}
    return {"x-grafana-alerting-signature": signature}
