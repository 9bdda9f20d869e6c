"""Every alert ends with a disposition, whatever its shape; signed webhooks are let in by their signature alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope
from incidents import selectors
from incidents.alerts import (
    AlertmanagerWebhook,
    Disposition,
    GenericWebhook,
    GrafanaWebhook,
    PagerDutyEvent,
    PagerDutyWebhook,
    take_in,
)
from incidents.lifecycle import (
    AlertSettled,
    SourceNameTaken,
    add_alert_source,
    change_response_policy,
    declare_from_alert,
    dismiss_alert,
)
from incidents.models import AlertRecord, EventKind, Incident, Outcome, TimelineEvent

RECORDED = Path(settings.BASE_DIR) / "incidents/data/alertmanager-webhook.json"
GRAFANA = {
    "version": "1",
    "groupKey": '{}:{alertname="Disk"}',
    "status": "firing",
    "orgId": 1,
    "title": "[FIRING:1] Disk",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Disk", "service": "ledger", "severity": "critical"},
            "annotations": {"summary": "Disk is full."},
            "startsAt": "2026-11-20T10:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c6eadffa33fcdf37",
            "values": {"A": 99.1},
        }
    ],
}


@pytest.fixture
def take(tenant: Tenant, scope: None, commander: Actor, now: datetime) -> Callable[..., list[Disposition]]:
    def make(notification: Any, at: datetime = now) -> list[Disposition]:
        return take_in(tenant_id=tenant.id, signals=notification.signals(), actor=commander, now=at)

    return make


def generic(**alert: Any) -> GenericWebhook:
    return GenericWebhook.model_validate({"alerts": [{"key": "k", "name": "Disk", "severity": "warning", **alert}]})


def test_a_recorded_notification_of_alertmanager_declares_once(take: Callable[..., list[Disposition]]) -> None:
    body = json.loads(RECORDED.read_bytes())

    (first,) = take(AlertmanagerWebhook.model_validate(body))
    (again,) = take(AlertmanagerWebhook.model_validate(body))

    assert (first.outcome, again.outcome) == (Outcome.DECLARED, Outcome.REPEATED)
    record = AlertRecord.objects.get()
    assert (record.outcome, record.times_seen, record.incident) == ("DECLARED", 2, first.incident)
    assert record.reason
    assert Incident.objects.count() == 1


def test_grafana_and_pagerduty_say_the_same_in_their_own_shapes(take: Callable[..., list[Disposition]]) -> None:
    (grafana,) = take(GrafanaWebhook.model_validate(GRAFANA))
    trigger = {"event_action": "trigger", "dedup_key": "srv01/disk", "payload": {
        "summary": "Disk is full", "source": "srv01", "severity": "critical"}}  # fmt: skip
    (event,) = take(PagerDutyEvent.model_validate(trigger))
    (ended,) = take(PagerDutyEvent.model_validate({"event_action": "resolve", "dedup_key": "srv01/disk"}))
    assert take(PagerDutyEvent.model_validate({"event_action": "acknowledge", "dedup_key": "srv01/disk"})) == []
    webhook = {"event": {"event_type": "incident.triggered", "data": {
        "id": "PGR0VU2", "title": "A little bump", "urgency": "high", "service": {"summary": "API"}}}}  # fmt: skip
    (hook,) = take(PagerDutyWebhook.model_validate(webhook))

    assert [each.outcome for each in (grafana, event, ended, hook)] == ["DECLARED", "DECLARED", "ENDED", "DECLARED"]
    assert grafana.incident is not None
    assert (grafana.incident.severity, grafana.incident.service) == ("SEV2", "ledger")
    assert AlertRecord.objects.get(fingerprint="srv01/disk").ended_at is not None
    assert Incident.objects.get(service="API").severity == "SEV2"


def test_each_alert_has_a_disposition_with_its_reason(take: Callable[..., list[Disposition]]) -> None:
    take(generic(key="a", group="g"))
    take(generic(key="b", group="g"))
    take(generic(key="c", severity="none"))
    take(generic(key="d", status="ended"))

    outcomes = dict(AlertRecord.objects.values_list("fingerprint", "outcome"))
    assert outcomes == {"a": "DECLARED", "b": "ATTACHED", "c": "NO_INCIDENT", "d": "NO_INCIDENT"}
    assert all(AlertRecord.objects.values_list("reason", flat=True))
    assert selectors.alerts_waiting() == 0


def test_an_alert_that_fires_again_later_is_another_firing(
    take: Callable[..., list[Disposition]], now: datetime
) -> None:
    take(generic())
    take(generic(status="ended"), now + timedelta(minutes=5))
    (later,) = take(generic(), now + timedelta(minutes=9))

    assert AlertRecord.objects.count() == 2
    assert later.outcome == Outcome.ATTACHED


def test_held_alerts_wait_for_a_person_who_says_why(
    take: Callable[..., list[Disposition]],
    tenant: Tenant,
    ana: Any,
    actor: Any,
    responder: Actor,
    cleo: Any,
    now: datetime,
) -> None:
    content = {"title": "Hold", "hold_alerts_of": ["SEV3"]}
    change_response_policy(
        tenant_id=tenant.id, content=content, reason="Too loud.", seen_version=0, actor=actor(ana), now=now
    )
    take(generic(key="a"))
    take(generic(key="b"))
    first, second = AlertRecord.objects.order_by("fingerprint")
    assert selectors.alerts_waiting() == 2

    with pytest.raises(PermissionMissing):
        dismiss_alert(alert=first, reason="We know of it already.", actor=actor(cleo), now=now)
    dismiss_alert(alert=first, reason="We know of it already.", actor=responder, now=now)
    incident = declare_from_alert(alert=second, actor=responder, now=now)

    assert selectors.alerts_waiting() == 0
    assert (first.outcome, first.disposed_by_name) == ("NO_INCIDENT", "Ben Responder")
    assert TimelineEvent.objects.filter(incident=incident, kind=EventKind.ALERT_FIRED).count() == 1
    with pytest.raises(AlertSettled):
        dismiss_alert(alert=second, reason="Never mind that one.", actor=responder, now=now)


def test_a_signed_webhook_is_let_in_and_nothing_else(tenant: Tenant, ana: Any, actor: Any, now: datetime) -> None:
    admin = actor(ana)
    with tenant_scope(tenant.id):
        made = add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=admin, now=now)
    with tenant_scope(tenant.id), pytest.raises(SourceNameTaken):
        add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=actor(ana), now=now)
    body = json.dumps({"alerts": [{"key": "k", "name": "Probe failed", "severity": "critical"}]}).encode()
    good = standard(made.secret, body, clock_now())

    assert send("probe", body, good).json()["dispositions"][0]["outcome"] == "DECLARED"
    assert send("probe", body, good).json()["dispositions"][0]["outcome"] == "REPEATED"
    old = standard(made.secret, body, clock_now() - timedelta(minutes=6))
    for name, given, headers in (
        ("probe", body + b" ", good),
        ("probe", body, old),
        ("probe", body, {}),
        ("other", body, good),
        ("probe", body, standard("whsec_" + base64.b64encode(b"x" * 32).decode(), body, clock_now())),
    ):
        assert send(name, given, headers).status_code == 401
    nonsense = b'{"alerts": [{"colour": "red"}]}'
    assert send("probe", nonsense, standard(made.secret, nonsense, clock_now())).status_code == 422
    with tenant_scope(tenant.id):
        assert AlertRecord.objects.get().source == "probe"


def test_pagerduty_and_grafana_sign_in_their_own_way(tenant: Tenant, ana: Any, actor: Any, now: datetime) -> None:
    admin = actor(ana)
    with tenant_scope(tenant.id):
        grafana = add_alert_source(tenant_id=tenant.id, name="gra", shape="GRAFANA", actor=admin, now=now)
        pagerduty = add_alert_source(tenant_id=tenant.id, name="pd", shape="PAGERDUTY", actor=admin, now=now)
    body, hook = json.dumps(GRAFANA).encode(), json.dumps({"event": {"event_type": "service.updated"}}).encode()

    signed = hmac.new(grafana.secret.encode(), body, hashlib.sha256).hexdigest()
    assert send("gra", body, {"X-Grafana-Alerting-Signature": signed}).status_code == 200
    assert send("gra", body, {"X-Grafana-Alerting-Signature": signed[::-1]}).status_code == 401
    signed = hmac.new(pagerduty.secret.encode(), hook, hashlib.sha256).hexdigest()
    assert send("pd", hook, {"X-PagerDuty-Signature": f"v1=00,v1={signed}"}).json() == {"dispositions": []}


def test_the_alerts_page_is_for_members(
    max_: Any, take: Callable[..., list[Disposition]], as_user: Callable[..., Client], ben: Any, cleo: Any
) -> None:
    take(generic())
    record = AlertRecord.objects.get()
    path = f"/t/northwind/incidents/alerts/{record.id}/"

    assert b"It declared INC-1." in as_user(ben).get("/t/northwind/incidents/alerts/").content
    assert as_user(cleo).get("/t/northwind/incidents/alerts/").status_code == 200
    assert as_user(cleo).post(path).status_code == 403
    assert as_user(max_).post(path).status_code == 404


def standard(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, made as its specification says."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, f"msg_1.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,x v1,{signature}"}


def send(name: str, body: bytes, headers: dict[str, str]) -> Any:
    address = f"/hooks/northwind/alerts/{name}"
    return Client().post(address, body, content_type="application/json", headers=headers)
