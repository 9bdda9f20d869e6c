"""Alert sources: set up, tried out and ended; what they send is signed or not taken in at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.alerts.receiving import try_out
from incidents.alerts.sources import (
    NewSource,
    SourceEnded,
    SourceNameTaken,
    add_alert_source,
    end_alert_source,
    rotate_alert_source,
)
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.alert import AlertDelivery, AlertRecord, AlertSource
from incidents.models.choices import Status
from incidents.models.incident import Incident
from tests.evidence.calling import token_of_member
from tests.incidents.test_alerts import GRAFANA


def test_a_signed_webhook_is_let_in_and_nothing_else(tenant: Tenant, ana: Any, actor: Any, now: datetime) -> None:
    admin = actor(ana)
    with tenant_scope(tenant.id):
        made = add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=admin, now=now)
    with tenant_scope(tenant.id), pytest.raises(SourceNameTaken):
        add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=actor(ana), now=now)
    body = json.dumps({"alerts": [{"key": "k", "name": "Probe failed", "severity": "critical"}]}).encode()
    good = standard(made.secret, body, clock_now())

    assert send("probe", body, good).json()["dispositions"][0]["outcome"] == "DECLARED"
    assert send("probe", body, good).json()["dispositions"][0]["outcome"] == "DECLARED"
    with tenant_scope(tenant.id):
        assert AlertRecord.objects.get().times_seen == 1
    old = standard(made.secret, body, clock_now() - timedelta(minutes=6))
    for name, given, headers in (
        ("probe", body + b" ", good),
        ("probe", body, old),
        ("probe", body, {}),
        ("other", body, good),
        ("probe", body, standard("whsec_" + base64.b64encode(b"x" * 32).decode(), body, clock_now())),
    ):
        assert send(name, given, headers).status_code == 401
    for nonsense in (b"[", b"[]", b"{}", b'{"alerts": {}}', b"[" * 100_000):
        assert send("probe", nonsense, standard(made.secret, nonsense, clock_now(), "msg_2")).status_code == 422
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
    assert send("pd", hook, {"X-PagerDuty-Signature": f"v1=00,v1={signed}"}).json()["dispositions"] == []


@pytest.mark.fault("field-F9")
def test_a_delivery_sent_again_gets_its_first_answer_whatever_came_between(
    tenant: Tenant, ana: Any, cora: Any, actor: Any, now: datetime
) -> None:
    made = source(tenant, actor(ana), now, "GENERIC")
    fires = {"alerts": [{"key": "k", "name": "Probe failed", "severity": "critical"}]}
    ends = {"alerts": [{"key": "k", "name": "Probe failed", "status": "ended"}]}

    first = post(made.secret, fires, "msg_x")
    post(made.secret, ends, "msg_y")
    with tenant_scope(tenant.id):
        incident = Incident.objects.get()
        acknowledge_incident(incident=incident, actor=actor(cora), now=clock_now())
        move_incident(incident=incident, to=Status.MITIGATED, actor=actor(cora), now=clock_now())
        move_incident(incident=incident, to=Status.RESOLVED, actor=actor(cora), now=clock_now())

    assert post(made.secret, fires, "msg_x") == first
    with tenant_scope(tenant.id):
        assert Incident.objects.count() == AlertRecord.objects.count() == 1
        # A week later the id is forgotten.
        AlertDelivery.objects.update(expires_at=now)
    post(made.secret, ends, "msg_z")
    with tenant_scope(tenant.id):
        assert AlertDelivery.objects.count() == 1


@pytest.mark.fault("field-F9")
def test_an_event_of_pagerduty_sent_again_is_taken_in_once(tenant: Tenant, ana: Any, actor: Any, now: datetime) -> None:
    made = source(tenant, actor(ana), now, "PAGERDUTY")
    event = {"id": "01EVENT", "event_type": "incident.triggered", "data": {"id": "P1", "title": "Bump"}}
    body = json.dumps({"event": event}).encode()
    headers = {"X-PagerDuty-Signature": "v1=" + hmac.new(made.secret.encode(), body, hashlib.sha256).hexdigest()}

    answers = [send("probe", body, headers).json() for _ in range(2)]

    assert answers[0] == answers[1]
    with tenant_scope(tenant.id):
        assert AlertRecord.objects.get().times_seen == 1


EVENT = {
    "event_action": "trigger",
    "dedup_key": "samplekeyhere",
    "payload": {
        "summary": "Example alert on host1.example.com",
        "timestamp": "2026-11-20T08:42:58.315",
        "severity": "Critical",
        "source": "monitoringtool:cloudvendor:central-region-dc-01:852559987:cluster/api-stats-prod-003",
        "component": "postgres",
        "custom_details": {"ping time": "1500ms"},
    },
    "client_url": None,
}


@pytest.mark.fault("field-F16")
def test_an_event_comes_in_by_its_routing_key_alone(tenant: Tenant, ana: Any, actor: Any, now: datetime) -> None:
    made = source(tenant, actor(ana), now, "EVENTS")
    long = {**EVENT, "routing_key": made.secret, "payload": {**EVENT["payload"], "summary": "x" * 1500}}  # type: ignore[dict-item]

    for address in (
        "/api/v1/tenants/northwind/alerts/pagerduty",
        "/hooks/northwind/v2/enqueue",
        "/hooks/northwind/alerts/probe",
    ):
        answer = Client().post(address, json.dumps(long), content_type="application/json")
        assert answer.status_code == 202, answer.content
        assert {"status": "success", "message": "Event processed", "dedup_key": "samplekeyhere"}.items() <= (
            answer.json().items()
        )
        for key in ("", "wrong", None):
            wrong = json.dumps({**long, "routing_key": key})
            assert Client().post(address, wrong, content_type="application/json").status_code == 401
    with tenant_scope(tenant.id):
        record, incident = AlertRecord.objects.get(), Incident.objects.get()
        assert (record.times_seen, len(record.name), record.starts_at.isoformat()) == (
            3,
            200,
            "2026-11-20T08:42:58.315000+00:00",
        )
        assert (incident.severity, incident.service, incident.declared_by_name) == ("SEV2", "postgres", "probe")


@pytest.mark.fault("field-F2")
def test_an_alertmanager_shows_its_credentials_and_a_rotation_leaves_a_day(
    tenant: Tenant, ana: Any, actor: Any, now: datetime
) -> None:
    made = source(tenant, actor(ana), now, "ALERTMANAGER")
    body = json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "A"}}]}).encode()

    def status(secret: str) -> int:
        return int(send("probe", body, {"Authorization": f"Bearer {secret}"}).status_code)

    assert [status(made.secret), status("wrong")] == [200, 401]
    with tenant_scope(tenant.id):
        newer = rotate_alert_source(source=made.source, actor=actor(ana), now=clock_now())
    assert [status(made.secret), status(newer.secret)] == [200, 200]
    with tenant_scope(tenant.id):
        AlertSource.objects.update(previous_ends_at=clock_now())
    assert [status(made.secret), status(newer.secret)] == [401, 200]
    with tenant_scope(tenant.id):
        end_alert_source(source=made.source, actor=actor(ana), now=clock_now())
        with pytest.raises(SourceEnded):
            rotate_alert_source(source=made.source, actor=actor(ana), now=clock_now())
    assert status(newer.secret) == 401


@pytest.mark.fault("field-F2")
@pytest.mark.parametrize("shape", AlertSource.Shape.values)
def test_a_source_of_any_shape_is_tried_out_without_an_incident(
    tenant: Tenant, ana: Any, actor: Any, now: datetime, shape: str
) -> None:
    made = source(tenant, actor(ana), now, shape)
    with tenant_scope(tenant.id):
        for _ in range(2):
            (disposition,) = try_out(source=made.source, now=clock_now())["dispositions"]
            assert disposition["outcome"] == "NO_INCIDENT"
            assert disposition["reason"].startswith("A test of ")
        assert not Incident.objects.exists()
        assert AlertSource.objects.get().last_seen_at is not None


@pytest.mark.fault("field-F2")
def test_a_source_is_set_up_on_the_command_line(tenant: Tenant) -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("alert_source", tenant.slug, *words, stdout=out)
        return out.getvalue()

    assert "Secret, shown this once: whsec_" in run("add", "probe")
    assert run("test", "probe") == "A test of this source: it arrived.\n"
    assert "page=SEV1 watchdog=none" in run("map", "probe", "Page=sev1", "watchdog=none")
    assert "/hooks/northwind/alerts/probe" in run("rotate", "probe")
    assert "ended" in run("end", "probe")
    with pytest.raises(CommandError, match="has ended"):
        run("test", "probe")
    with pytest.raises(CommandError, match="cannot mean"):
        run("map", "probe", "page=SEV9")
    assert run("list").startswith("probe  Standard Webhooks  ended")


@pytest.mark.fault("field-F2")
def test_an_admin_sets_a_source_up_in_the_console(
    tenant: Tenant, ana: Any, ben: Any, as_user: Callable[..., Client]
) -> None:
    browser, pages = as_user(ana), "/t/northwind/incidents/alerts/sources/"
    one = f"{pages}at/probe/"
    assert pages in browser.get("/t/northwind/incidents/alerts/").content.decode()
    assert "new/" not in as_user(ben).get(pages).content.decode()
    assert as_user(ben).get(f"{pages}new/").status_code == 403

    assert "Use letters, digits" in browser.post(f"{pages}new/", {"name": "a b", "shape": "GENERIC"}).content.decode()
    added = browser.post(f"{pages}new/", {"name": "probe", "shape": "ALERTMANAGER"})
    secret = re.findall(r'id="secret" value="(\w{64})"', added.content.decode())[0]
    assert "/hooks/northwind/alerts/probe" in added.content.decode()
    assert "already" in browser.post(f"{pages}new/", {"name": "probe", "shape": "GENERIC"}).content.decode()
    assert secret not in browser.get(one).content.decode()
    assert "A test of Grafana: it arrived." in browser.post(f"{one}test/", follow=True).content.decode()
    bad = browser.post(f"{one}severities/", {"severity_words": "page = SEV9"})
    assert (bad.status_code, "cannot mean" in bad.content.decode()) == (422, True)
    said = browser.post(f"{one}severities/", {"severity_words": "page = SEV1\n\nwatchdog=none"}, follow=True)
    assert "page = SEV1\nwatchdog = none" in said.content.decode()
    assert "at least 16 characters" in browser.post(f"{one}rotate/", {"secret": "short"}).content.decode()
    assert "is taken until" in browser.post(f"{one}rotate/").content.decode()
    assert "Ended" in browser.post(f"{one}end/", follow=True).content.decode()
    assert browser.post(f"{one}test/").status_code == 409


@pytest.mark.fault("field-F2")
def test_a_token_of_an_admin_sets_a_source_up_and_a_responders_does_not(tenant: Tenant, ana: Any, ben: Any) -> None:
    def call(whose: Any, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token_of_member(whose, tenant)}"}
        address = f"/api/v1/tenants/northwind/alerts/sources{path}"
        return Client().generic(method, address, json.dumps(body), content_type="application/json", headers=headers)

    added = call(ana, "POST", "", {"name": "probe", "shape": "GENERIC"})
    assert (added.status_code, added.json()["path"]) == (201, "/hooks/northwind/alerts/probe")
    assert call(ana, "POST", "", {"name": "probe", "shape": "GENERIC"}).status_code == 409
    assert call(ben, "POST", "", {"name": "other", "shape": "GENERIC"}).status_code == 403
    assert call(ana, "POST", "/probe/test").json()["dispositions"][0]["outcome"] == "NO_INCIDENT"
    words = {"severity_words": {"Page": "sev1"}}
    assert call(ana, "PUT", "/probe/severities", words).json()["severity_words"] == {"page": "SEV1"}
    assert call(ana, "POST", "/probe/rotation", {}).json()["secret"] != added.json()["secret"]
    assert call(ana, "POST", "/probe/end").json()["ended_at"] is not None
    assert call(ana, "POST", "/nobody/end").status_code == 404
    (listed,) = call(ana, "GET", "").json()
    assert (listed["name"], "secret" in listed) == ("probe", False)


def source(tenant: Tenant, admin: Actor, now: datetime, shape: str) -> NewSource:
    with tenant_scope(tenant.id):
        return add_alert_source(tenant_id=tenant.id, name="probe", shape=shape, actor=admin, now=now)


def post(secret: str, document: Any, identity: str) -> Any:
    body = json.dumps(document).encode()
    return send("probe", body, standard(secret, body, clock_now(), identity)).json()


def standard(secret: str, body: bytes, at: datetime, identity: str = "msg_1") -> dict[str, str]:
    """The headers of Standard Webhooks, made as its specification says."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(
        hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    ).decode()
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": f"v1,x v1,{signature}"}


def send(name: str, body: bytes, headers: dict[str, str]) -> Any:
    address = f"/hooks/northwind/alerts/{name}"
    return Client().post(address, body, content_type="application/json", headers=headers)
