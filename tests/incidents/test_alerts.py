"""Every alert ends with a disposition, whatever its shape; signed webhooks are let in by their signature alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from conductor.engine.models import Run
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from incidents.alerts.bodies import MOST_BYTES
from incidents.alerts.intake import Disposition, take_in
from incidents.alerts.lifecycle import AlertSettled, declare_from_alert, dismiss_alert
from incidents.alerts.parsers.alertmanager import read_alertmanager
from incidents.alerts.parsers.generic import read_generic
from incidents.alerts.parsers.pagerduty import read_event, read_webhook
from incidents.alerts.parsers.severity_words import Reading, severity_of
from incidents.alerts.parsers.signal import Notification
from incidents.alerts.parsers.values import document_of
from incidents.alerts.selectors import alerts_waiting
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.alert import AlertRecord, Outcome
from incidents.models.choices import EventKind, Severity, Status
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.wording import sentence
from incidents.response.policy_versions import change_response_policy
from tests.evidence.calling import token_of_member

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
    def make(notification: Notification, at: datetime = now) -> list[Disposition]:
        return take_in(tenant_id=tenant.id, notification=notification, actor=commander, now=at)

    return make


def generic(**alert: Any) -> Notification:
    document = {"alerts": [{"key": "k", "name": "Disk", "severity": "warning", **alert}]}
    return read_generic(document, source="probe", words={})


def event(**given: Any) -> Notification:
    return read_event(given, source="pagerduty", words={})


def test_a_recorded_notification_of_alertmanager_declares_once(take: Callable[..., list[Disposition]]) -> None:
    body = json.loads(RECORDED.read_bytes())

    (first,) = take(read_alertmanager(body, source="alertmanager", words={}))
    (again,) = take(read_alertmanager(body, source="alertmanager", words={}))

    assert (first.outcome, again.outcome) == (Outcome.DECLARED, Outcome.REPEATED)
    record = AlertRecord.objects.get()
    assert (record.outcome, record.times_seen, record.incident) == ("DECLARED", 2, first.incident)
    assert record.reason
    assert Incident.objects.count() == 1


def test_grafana_and_pagerduty_say_the_same_in_their_own_shapes(take: Callable[..., list[Disposition]]) -> None:
    (grafana,) = take(read_alertmanager(GRAFANA, source="grafana", words={}))
    trigger = {"event_action": "trigger", "dedup_key": "srv01/disk", "payload": {
        "summary": "Disk is full", "source": "srv01", "severity": "critical"}}  # fmt: skip
    (sent,) = take(event(**trigger))
    (ended,) = take(event(event_action="resolve", dedup_key="srv01/disk"))
    assert take(event(event_action="acknowledge", dedup_key="srv01/disk")) == []
    webhook = {"event": {"event_type": "incident.triggered", "data": {
        "id": "PGR0VU2", "title": "A little bump", "urgency": "high", "service": {"summary": "API"}}}}  # fmt: skip
    (hook,) = take(read_webhook(webhook, source="pagerduty", words={}))

    assert [each.outcome for each in (grafana, sent, ended, hook)] == ["DECLARED", "DECLARED", "ENDED", "DECLARED"]
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
    assert alerts_waiting() == 0


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
    assert alerts_waiting() == 2

    with pytest.raises(PermissionMissing):
        dismiss_alert(alert=first, reason="We know of it already.", actor=actor(cleo), now=now)
    dismiss_alert(alert=first, reason="We know of it already.", actor=responder, now=now)
    incident = declare_from_alert(alert=second, actor=responder, now=now)

    assert alerts_waiting() == 0
    assert (first.outcome, first.disposed_by_name) == ("NO_INCIDENT", "Ben Responder")
    assert TimelineEvent.objects.filter(incident=incident, kind=EventKind.ALERT_FIRED).count() == 1
    with pytest.raises(AlertSettled):
        dismiss_alert(alert=second, reason="Never mind that one.", actor=responder, now=now)


def group(*alerts: Any, source: str = "alertmanager", **more: Any) -> Notification:
    document = {"version": "4", "groupKey": "g", "alerts": list(alerts), **more}
    return read_alertmanager(document_of(json.dumps(document).encode()), source=source, words={})


def firing(fingerprint: str = "f", **given: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "A", "severity": "warning"},
        "annotations": {"summary": "s"},
        "startsAt": "2026-11-20T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
        **given,
    }


@pytest.mark.fault("field-F3")
@pytest.mark.parametrize("is_reversed", [False, True])
def test_an_end_that_names_itself_as_its_start_joins_the_firing_in_either_order(
    take: Callable[..., list[Disposition]], is_reversed: bool
) -> None:
    ended = firing(status="resolved", startsAt="2026-11-20T10:12:00Z", endsAt="2026-11-20T10:12:00Z")
    sent = [group(firing(), source="grafana"), group(ended, source="grafana")]
    for notification in reversed(sent) if is_reversed else sent:
        (last,) = take(notification)
    (again,) = take(sent[1])

    assert last.outcome == (Outcome.DECLARED if is_reversed else Outcome.ENDED)
    assert again.outcome == Outcome.REPEATED
    record = AlertRecord.objects.get()
    assert (record.starts_at.minute, record.ended_at and record.ended_at.minute) == (0, 12)
    kinds = [EventKind.ALERT_FIRED, EventKind.ALERT_RESOLVED]
    assert list(TimelineEvent.objects.filter(kind__in=kinds).order_by("seq").values_list("kind", flat=True)) == kinds


def test_an_end_and_its_firing_declare_one_incident_in_either_order(take: Callable[..., list[Disposition]]) -> None:
    take(group(firing(status="resolved", endsAt="2026-11-20T10:12:00Z")))
    (fired,) = take(group(firing()))

    assert fired.outcome == Outcome.DECLARED
    assert AlertRecord.objects.get().ended_at is not None
    assert TimelineEvent.objects.filter(kind=EventKind.ALERT_RESOLVED).count() == 1


@pytest.mark.fault("field-F4")
@pytest.mark.parametrize(
    "starts_at",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59-08:00",
        "yesterday",
        None,
        5,
    ],
)
def test_a_start_that_cannot_be_is_the_time_of_arrival(
    take: Callable[..., list[Disposition]], now: datetime, starts_at: Any
) -> None:
    (fired,) = take(group(firing(startsAt=starts_at)))
    take(group(firing(startsAt=starts_at)), now + timedelta(minutes=1))
    take(group(firing(startsAt=starts_at, status="resolved", endsAt=None)), now + timedelta(minutes=2))

    assert fired.incident is not None
    assert fired.incident.detected_at == now
    record = AlertRecord.objects.get()
    assert (record.starts_at, record.ended_at, record.times_seen) == (now, now + timedelta(minutes=2), 3)


@pytest.mark.fault("field-F5")
def test_a_group_larger_than_is_read_is_taken_in_and_the_rest_counted(
    take: Callable[..., list[Disposition]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.alerts.parsers.signal.MOST_ALERTS", 2)
    notification = group(*(firing(str(each)) for each in range(5)), truncatedAlerts=7)

    assert [each.outcome for each in take(notification)] == [Outcome.DECLARED, Outcome.ATTACHED]
    assert notification.left_out == 10
    entry = TimelineEvent.objects.get(kind=EventKind.ALERTS_LEFT_OUT)
    assert sentence(entry) == "10 more alerts of a notification from Alertmanager could not be taken in"
    take(notification)
    assert TimelineEvent.objects.filter(kind=EventKind.ALERTS_LEFT_OUT).count() == 1


@pytest.mark.fault("field-F6")
def test_what_is_null_or_a_number_is_tolerated(take: Callable[..., list[Disposition]]) -> None:
    odd = [
        firing("a"),
        firing("b", annotations=None),
        firing("c", generatorURL=None, endsAt="", labels={"alertname": "A", "shard": 7, "on": True}),
        firing(None),  # type: ignore[arg-type]
    ]

    assert [each.outcome.value for each in take(group(*odd, truncatedAlerts=None))] == [
        "DECLARED",
        "ATTACHED",
        "ATTACHED",
        "ATTACHED",
    ]
    assert AlertRecord.objects.get(fingerprint="c").labels == {"alertname": "A", "shard": "7", "on": "true"}


@pytest.mark.fault("field-F6")
@pytest.mark.parametrize("bad", [7, None, "x", [], {}, {"labels": [], "status": "firing"}, {"labels": {"a": "b"}}])
def test_an_alert_that_cannot_be_read_waits_for_a_person_and_spoils_no_other(
    take: Callable[..., list[Disposition]], responder: Actor, now: datetime, bad: Any
) -> None:
    notification = group(firing("a"), bad, firing("b"))
    outcomes = [each.outcome.value for each in take(notification)]

    assert outcomes == ["DECLARED", "PENDING", "ATTACHED"]
    assert [each.place for each in notification.faults] == ["alerts.1"]
    waiting = AlertRecord.objects.get(outcome=Outcome.PENDING)
    assert waiting.reason.startswith("It could not be read and waits for a person. alerts.1: ")
    take(notification)
    assert AlertRecord.objects.filter(outcome=Outcome.PENDING).count() == 1
    declare_from_alert(alert=waiting, actor=responder, now=now)


@pytest.mark.fault("field-F7")
def test_what_postgresql_cannot_hold_is_dropped_from_every_text_of_an_alert(
    take: Callable[..., list[Disposition]],
) -> None:
    nul = "core\0 \ud800dump"
    labels = {"alertname": nul, "service": nul, nul: nul, "environment": nul}
    take(group(firing(nul, labels=labels, annotations={"summary": nul, "runbook_url": nul}, generatorURL=nul)))
    sent = {"event_action": "trigger", "dedup_key": nul, "client_url": nul}
    sent |= {"payload": {"summary": nul, "source": nul, "severity": nul}}  # type: ignore[dict-item]
    take(event(**document_of(json.dumps(sent).encode())))
    alert = dict.fromkeys(("key", "name", "group", "summary", "service", "environment", "url", "severity"), nul)
    take(read_generic(document_of(json.dumps({"alerts": [alert]}).encode()), source="probe", words={}))
    hook = {"event": {"event_type": "incident.triggered", "data": {"id": nul, "title": nul, "html_url": nul}}}
    take(read_webhook(document_of(json.dumps(hook).encode()), source="pd", words={}))

    assert set(AlertRecord.objects.values_list("fingerprint", flat=True)) == {"core dump"}
    assert set(AlertRecord.objects.values_list("name", flat=True)) == {"core dump"}
    assert AlertRecord.objects.count() == 4


@pytest.mark.fault("field-F15")
def test_a_test_of_a_sender_is_no_incident(take: Callable[..., list[Disposition]]) -> None:
    labels = {"alertname": "TestAlert", "instance": "Grafana"}
    for each in range(2):
        test = group(firing("57c6d9296de2ad39", labels=labels), source="grafana", groupKey=f"test-57c6-{each}")
        (found,) = take(test)
        assert (found.outcome, found.reason) == (Outcome.NO_INCIDENT, "A test of Grafana: it arrived.")
    (ping,) = take(read_webhook({"event": {"id": "01", "event_type": "pagey.ping", "data": {}}}, source="pd", words={}))

    assert (ping.outcome, ping.reason) == (Outcome.NO_INCIDENT, "A test of PagerDuty: it arrived.")
    assert not Incident.objects.exists()


@pytest.mark.fault("field-F17")
def test_an_alert_that_fires_on_after_a_person_resolved_is_said_once_and_its_commander_notified(
    take: Callable[..., list[Disposition]], commander: Actor, now: datetime
) -> None:
    fired, _other = take(group(firing(), firing("other")))
    incident = fired.incident
    assert incident is not None
    acknowledge_incident(incident=incident, actor=commander, now=now)
    move_incident(incident=incident, to=Status.MITIGATED, actor=commander, now=now)
    move_incident(incident=incident, to=Status.RESOLVED, actor=commander, now=now)

    for _ in range(2):
        answers = take(group(firing(), firing("other")))
        assert {each.reason for each in answers} == {
            f"{incident.code} was resolved, but it still fires: its timeline says so."
        }

    entries = TimelineEvent.objects.filter(incident=incident, kind=EventKind.ALERT_STILL_FIRING)
    assert [sentence(each) for each in entries] == ["Alert A still fires"] * 2
    assert Run.objects.filter(workflow="incidents.still_firing").count() == 1
    take(group(firing(status="resolved", endsAt="2026-11-20T10:30:00Z")))
    take(group(firing()))
    assert entries.count() == 2


@pytest.mark.fault("field-14")
def test_severity_words_are_mapped_by_the_source_then_by_sense_and_the_unknown_is_said(
    take: Callable[..., list[Disposition]],
) -> None:
    words = {"page": "SEV1", "p1": "SEV1", "SEV-1": "SEV1", "high": "SEV2", "High": "SEV2", "critical": "SEV2"}
    words |= {"fatal": "SEV2", "emergency": "SEV1", "disaster": "SEV1", "major": "SEV2", "minor": "SEV4", "P3": "SEV3"}
    for word, meaning in {**words, "page": "SEV2"}.items():
        assert severity_of({"severity": word}) == Reading(Severity(meaning))
    own = {"page": "SEV1", "weird": "SEV4", "critical": "none"}
    assert severity_of({"severity": "Page"}, own) == Reading(Severity.SEV1)
    assert severity_of({"severity": "critical"}, own) == Reading(None)
    assert severity_of({"severity": "critical", "sev": "1"}, own) == Reading(Severity.SEV1)

    (fired,) = take(group(firing(labels={"alertname": "A", "severity": "Wobbly"})))

    assert fired.incident is not None
    assert "Nothing says what its severity “Wobbly” means: SEV3 was assumed." in fired.reason
    entry = TimelineEvent.objects.get(kind=EventKind.ALERT_FIRED)
    assert sentence(entry) == "Alert A fired. Nothing says what its severity “Wobbly” means: SEV3 was assumed"


@pytest.mark.fault("field-small-alerts-are-signed-by-their-source", "console-F11")
def test_an_alert_is_signed_by_its_source_and_not_by_whose_token_it_has(take: Callable[..., list[Disposition]]) -> None:
    (fired,) = take(group(firing()))

    assert fired.incident is not None
    assert fired.incident.declared_by_name == AlertRecord.objects.get().disposed_by_name == "Alertmanager"
    entries = TimelineEvent.objects.filter(incident=fired.incident)
    assert set(entries.values_list("actor_name", flat=True)) == {"Alertmanager"}
    assert sentence(entries.get(kind=EventKind.DECLARED)) == "Declared as SEV3 by an alert from Alertmanager"


@pytest.mark.fault("field-F5", "field-F6")
def test_the_api_takes_a_large_notification_and_says_beyond_which_size_it_does_not(
    tenant: Tenant, ben: Any, max_: Any
) -> None:
    bearer = {"Authorization": f"Bearer {token_of_member(ben, tenant)}"}
    address = f"/api/v1/tenants/{tenant.slug}/alerts/alertmanager"

    def send(document: Any) -> Any:
        return Client().post(address, json.dumps(document), content_type="application/json", headers=bearer)

    large = send({"alerts": [firing(annotations={"summary": "x" * 3_000_000}), 7]})
    assert large.status_code == 200, large.content
    assert [each["outcome"] for each in large.json()["dispositions"]] == ["DECLARED", "PENDING"]
    assert large.json()["faults"] == [{"place": "alerts.1", "reason": "This is not an object."}]
    too_large = send({"alerts": [firing(annotations={"summary": "x" * MOST_BYTES})]})
    assert (too_large.status_code, too_large.json()["code"]) == (413, "body_too_large")
    assert "max_alerts" in too_large.json()["detail"]


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
