"""Clocks of reporting obligations: told of once at each threshold, escalated when missed, listed soonest first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from adapters.models.adapter import Delivery
from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.incident.lifecycle import declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.record.follow_up_runs import DEADLINES_WORKFLOW
from incidents.record.wording import sentence
from incidents.reporting.lifecycle import assert_reporting_moment, decide_obligations, file_obligation
from incidents.response.roles import assign_role
from tests.evidence.calling import caller
from tests.incidents.clocks import Clock

HOUR = timedelta(hours=1)
TOLD = (EventKind.OBLIGATION_DUE_SOON, EventKind.OBLIGATION_MISSED)


@pytest.fixture
def breach(committed: None, tenant: Tenant, cora_acts: Actor, clock: Clock) -> Incident:
    """A personal data breach of which somebody has been aware since it was declared: 72 hours to tell the authority."""
    with tenant_scope(tenant.id):
        incident, _ = declare_incident(
            tenant_id=tenant.id,
            title="Mail to the wrong list",
            severity="SEV3",
            answers={"personal_data": "YES"},
            actor=cora_acts,
            now=clock.at,
        )
        assert not Run.objects.filter(workflow=DEADLINES_WORKFLOW).exists(), "no clock runs yet"
        assert_reporting_moment(
            incident=incident, key="awareness", at=clock.at, reason="The DPO read it.", actor=cora_acts, now=clock.at
        )
    return incident


def look(tenant: Tenant, clock: Clock) -> str:
    """Have the watch look now, whenever it had meant to; return the run's status."""
    with tenant_scope(tenant.id):
        run = Run.objects.filter(workflow=DEADLINES_WORKFLOW).latest("number")
        Run.objects.filter(id=run.id, status="WAITING").update(wake_at=clock.at)
    advance(run_id=run.id, tenant_id=tenant.id, worker="w1", now=clock.at)
    with tenant_scope(tenant.id):
        run.refresh_from_db()
    return str(run.status)


def percents(tenant: Tenant) -> list[int]:
    with tenant_scope(tenant.id):
        found = TimelineEvent.objects.filter(kind__in=TOLD).order_by("seq")
        return [event.data["percent"] for event in found if event.data["rule"] == "gdpr.authority"]


def test_each_threshold_is_told_once_then_missed_and_escalated(
    breach: Incident,
    tenant: Tenant,
    cora_acts: Actor,
    cora: User,
    clock: Clock,
) -> None:
    start = clock.at
    with tenant_scope(tenant.id):
        assign_role(incident=breach, role="PRIVACY", user=cora, actor=cora_acts, now=clock.at)
    for hours, expected in (
        (35, []),
        (36, [50]),
        (40, [50]),
        (58, [50, 80]),
        (69, [50, 80, 95]),
        (72, [50, 80, 95, 100]),
    ):
        clock.at = start + hours * HOUR
        assert look(tenant, clock) == "WAITING"
        look(tenant, clock)
        assert percents(tenant) == expected, hours
    with tenant_scope(tenant.id):
        soon, *_, missed = TimelineEvent.objects.filter(kind__in=TOLD).order_by("seq")
    assert "50% of the time has passed, and nobody has decided whether it applies; notified Cora Commander" in sentence(
        soon
    )
    assert missed.kind == EventKind.OBLIGATION_MISSED
    assert missed.data["told"].endswith("everyone who is notified of incidents")


def test_after_a_pause_only_the_latest_threshold_is_told(breach: Incident, tenant: Tenant, clock: Clock) -> None:
    clock.at += 71 * HOUR

    look(tenant, clock)

    assert percents(tenant) == [95]


def test_another_due_date_is_told_of_anew(
    breach: Incident,
    tenant: Tenant,
    cora_acts: Actor,
    clock: Clock,
) -> None:
    start = clock.at
    clock.at = start + 40 * HOUR
    look(tenant, clock)
    with tenant_scope(tenant.id):
        assert_reporting_moment(
            incident=breach,
            key="awareness",
            at=start + 39 * HOUR,
            reason="He knew later.",
            actor=cora_acts,
            now=clock.at,
        )
    look(tenant, clock)
    assert percents(tenant) == [50]
    clock.at = start + (39 + 36) * HOUR
    look(tenant, clock)

    assert percents(tenant) == [50, 50]


def test_the_watch_outlives_the_incident_and_ends_with_the_last_duty(
    breach: Incident,
    tenant: Tenant,
    cora_acts: Actor,
    clock: Clock,
) -> None:
    with tenant_scope(tenant.id):
        decide_obligations(
            incident=breach, regime="GDPR", applies=True, reason="Names and addresses.", actor=cora_acts, now=clock.at
        )
        move_incident(
            incident=breach, to="CANCELED", reason="No fault here.", closure="TEST", actor=cora_acts, now=clock.at
        )
    assert look(tenant, clock) == "WAITING"
    clock.at += 37 * HOUR
    assert look(tenant, clock) == "WAITING"
    assert percents(tenant) == [50]
    with tenant_scope(tenant.id):
        duty = Obligation.objects.get(rule_key="gdpr.authority")
        file_obligation(
            obligation=duty, submitted=b"pdf", reference="A-1", filed_at=clock.at, actor=cora_acts, now=clock.at
        )
        Obligation.objects.open().update(state="NOT_APPLICABLE")

    assert look(tenant, clock) == "SUCCEEDED"
    clock.at += 40 * HOUR
    assert percents(tenant) == [50]


def test_a_notice_of_a_private_incident_names_no_duty(
    breach: Incident,
    tenant: Tenant,
    cora_acts: Actor,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("incidents.response.announcements.deliver", lambda **message: sent.append(message))
    with tenant_scope(tenant.id):
        set_visibility(incident=breach, visibility="PRIVATE", reason="A breach.", actor=cora_acts, now=clock.at)
    clock.at += 80 * HOUR

    look(tenant, clock)
    look(tenant, clock)

    assert sent
    assert all("GDPR" not in str(each) and "Mail to" not in str(each) for each in sent)
    assert len({each["key"] for each in sent}) == len(sent)


def test_a_notice_names_the_duty_the_due_date_and_who_is_told(
    breach: Incident,
    tenant: Tenant,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("incidents.response.announcements.deliver", lambda **message: sent.append(message))
    clock.at += 37 * HOUR

    look(tenant, clock)

    facts = next(each["payload"]["facts"] for each in sent if each["payload"]["facts"]["Regime"] == "GDPR")
    assert facts["Time used"] == "50 %"
    assert facts["Due"].startswith("2026-11-")
    assert facts["For"] == "everyone who is notified of incidents"
    assert facts["Do next"] == (
        "Decide whether it is to be reported, with a reason, under Assessment. "
        "Give somebody the roles of “legal and privacy” and commander, or take them."
    )
    with tenant_scope(tenant.id):
        assert Delivery.objects.count() == 0


Declare = Callable[..., Incident]


@pytest.fixture
def running(declare: Declare, commander: Actor, now: datetime) -> Obligation:
    """The 72 hours of a breach, of which 36 are over."""
    incident = declare(answers={"personal_data": "YES"})
    assert_reporting_moment(
        incident=incident, key="awareness", at=now - 36 * HOUR, reason="The desk.", actor=commander, now=now
    )
    decide_obligations(
        incident=incident, regime="GDPR", applies=True, reason="Names and addresses.", actor=commander, now=now
    )
    return Obligation.objects.get(incident=incident, rule_key="gdpr.authority")


def test_the_page_lists_the_soonest_first_with_why_then(
    running: Obligation, declare: Declare, as_user: Callable[..., Client], cleo: User, monkeypatch: Any, now: datetime
) -> None:
    monkeypatch.setattr("incidents.reporting.views.now", lambda: now + HOUR)
    declare(answers={"financial_service": "YES"})

    html = as_user(cleo).get("/t/northwind/incidents/deadlines/").content.decode()

    assert html.index("GDPR") < html.index("DORA")
    assert 'value="51"' in html
    assert "72 hours after awareness" in html
    assert "What starts its deadline is not recorded yet" in html
    assert "Notify the supervisory authority" not in (
        as_user(cleo).get("/t/northwind/incidents/deadlines/?view=done").content.decode()
    )


def test_duties_of_a_private_incident_are_counted_and_not_told(
    running: Obligation, as_user: Callable[..., Client], ben: User, ana: User, commander: Actor, now: datetime
) -> None:
    set_visibility(incident=running.incident, visibility="PRIVATE", reason="A breach.", actor=commander, now=now)
    hidden, seen = (as_user(each).get("/t/northwind/incidents/deadlines/").content.decode() for each in (ben, ana))

    assert "more belong to private incidents that you may not read" in hidden
    assert "Notify the supervisory authority" not in hidden
    assert "Notify the supervisory authority" in seen


def test_a_report_is_filed_by_the_api_as_in_the_console(
    running: Obligation, tenant: Tenant, cora: User, ben: User
) -> None:
    """The requests come days after the due date."""
    call, base = caller(tenant), f"/incidents/{running.incident.number}/obligations"
    address = f"{base}/{running.id}/file"

    def form(**given: Any) -> dict[str, Any]:
        return {"reference": "DPA-7", "submitted": SimpleUploadedFile("report.pdf", b"%PDF the report"), **given}

    assert call("post", address, user=ben, form=form()).status_code == 403
    empty = call("post", address, user=cora, form=form(reference=" "))
    assert (empty.status_code, "reference" in str(empty.json())) == (422, True)
    assert call("post", address, user=cora, form={"reference": "DPA-7"}).status_code == 422
    late = call("post", address, user=cora, form=form())
    assert (late.status_code, "late_reason" in str(late.json())) == (422, True)
    assert running.due_at is not None
    in_time = (running.due_at - HOUR).isoformat()
    filed = call("post", address, user=cora, form=form(filed_at=in_time))

    assert (filed.status_code, filed.json()["state"]) == (200, "FILED"), filed.content
    running.refresh_from_db()
    assert running.filing_digest == hashlib.sha256(b"%PDF the report").hexdigest()
    again = call("post", address, user=cora, form=form(reference="DPA-8"))
    assert (again.status_code, again.json()["filing_reference"]) == (200, "DPA-7")
    assert call("post", f"{base}/{running.incident_id}/file", user=cora, form=form()).status_code == 404


def test_the_api_lists_deadlines(running: Obligation, tenant: Tenant, cleo: User) -> None:
    call = caller(tenant)

    found = call("get", "/incidents/deadlines", user=cleo).json()

    assert found["items"][0]["incident"] == running.incident.code
    assert found["items"][0]["title"] == "Notify the supervisory authority"
    assert found["items"][0]["used_percent"] == 100
    assert call("get", "/incidents/deadlines", user=cleo, query={"done": "true"}).json()["items"] == []
