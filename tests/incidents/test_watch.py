"""The workflows that follow a declaration: what is missed is recorded and escalated, what fails is seen and retried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.models.adapter import Delivery
from conductor.engine.define import registry
from conductor.engine.lifecycle.operating import retry_run
from conductor.engine.models import Run, Step
from conductor.engine.run.executor import advance
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import declare_incident
from incidents.incident.status import mitigate_incident, move_incident, resolve_incident
from incidents.models.choices import EventKind
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.follow_up_runs import WATCH_WORKFLOW
from incidents.record.wording import sentence
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update
from incidents.workflows import DECLARED
from tests.incidents.clocks import Clock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def declared(committed: None, tenant: Tenant, cora_acts: Actor, clock: Clock) -> Incident:
    """A SEV2 incident with committed rows: an update is due every 30 minutes."""
    with tenant_scope(tenant.id):
        incident, _ = declare_incident(
            tenant_id=tenant.id, title="Payouts stuck", severity="SEV2", actor=cora_acts, now=clock.at
        )
    return incident


def test_cadence_misses_escalate_then_stop_on_resolved(
    declared: Incident, cora_acts: Actor, cora: Any, tenant: Tenant, clock: Clock
) -> None:
    start = clock.at
    with tenant_scope(tenant.id):
        assign_role(incident=declared, role="COMMANDER", user=cora, actor=cora_acts, now=clock.at)
    assert look(tenant, declared, clock) == "WAITING"
    assert missed(tenant, declared) == []

    clock.at = start + 31 * MINUTE
    look(tenant, declared, clock)
    clock.at = start + 125 * MINUTE  # the worker was away for two more
    look(tenant, declared, clock)
    look(tenant, declared, clock)

    assert missed(tenant, declared) == [
        (1, "Cora Commander (commander)"),
        (2, "Cora Commander (commander)"),
        (3, "everyone who is notified of incidents"),
        (4, "everyone who is notified of incidents"),
    ]
    with tenant_scope(tenant.id):
        told = TimelineEvent.objects.filter(incident=declared, kind=EventKind.UPDATE_MISSED).order_by("seq")
        assert [sentence(each) for each in told[:2]] == [
            "No update was posted in time; notified Cora Commander (commander), because nobody holds the role of "
            "communications",
            "No update was posted in time, miss 2 in a row; notified Cora Commander (commander)",
        ]
        said = post_update(incident=declared, text="Queue drains.", actor=cora_acts, now=clock.at)
        first = TimelineEvent.objects.filter(kind=EventKind.UPDATE_MISSED).earliest("seq")
    assert (first.occurred_at, first.recorded_at) == (start + 30 * MINUTE, start + 31 * MINUTE)
    clock.at = said.recorded_at + 29 * MINUTE
    look(tenant, declared, clock)
    assert len(missed(tenant, declared)) == 4
    clock.at += 2 * MINUTE
    look(tenant, declared, clock)
    assert [miss for miss, _ in missed(tenant, declared)] == [1, 2, 3, 4, 1]

    with tenant_scope(tenant.id):
        mitigate_incident(incident=declared, actor=cora_acts, now=clock.at)
        resolve_incident(incident=declared, actor=cora_acts, now=clock.at)
    clock.at += timedelta(hours=9)

    assert look(tenant, declared, clock) == "SUCCEEDED"
    assert len(missed(tenant, declared)) == 5


def test_a_miss_is_told_to_somebody_even_where_nobody_holds_a_role(
    declared: Incident, tenant: Tenant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the notice says what to do next."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("incidents.response.announcements.deliver", lambda **message: sent.append(message))
    clock.at += 31 * MINUTE

    look(tenant, declared, clock)

    assert missed(tenant, declared) == [(1, "everyone who is notified of incidents")]
    (facts,) = (each["payload"]["facts"] for each in sent)
    assert facts["For"] == "everyone who is notified of incidents"
    assert facts["Do next"] == (
        "Post an update: what is known, what is done, what comes next. "
        "Give somebody the roles of communications and commander, or take them."
    )


def test_monitoring_gives_twice_the_time_and_a_promise_its_own(
    declared: Incident, cora_acts: Actor, tenant: Tenant, clock: Clock
) -> None:
    start = clock.at
    with tenant_scope(tenant.id):
        move_incident(incident=declared, to="MONITORING", actor=cora_acts, now=start)
    clock.at = start + 59 * MINUTE
    look(tenant, declared, clock)
    assert missed(tenant, declared) == []

    with tenant_scope(tenant.id):
        post_update(incident=declared, text="Next at noon.", next_update_in=5 * MINUTE, actor=cora_acts, now=clock.at)
    clock.at += 6 * MINUTE
    look(tenant, declared, clock)

    assert [miss for miss, _ in missed(tenant, declared)] == [1]


def test_a_higher_severity_is_looked_at_at_once_and_a_reopened_incident_is_watched_again(
    declared: Incident, cora_acts: Actor, tenant: Tenant, clock: Clock
) -> None:
    look(tenant, declared, clock)
    with tenant_scope(tenant.id):
        assert watching(declared).wake_at == clock.at + 30 * MINUTE
        classify_incident(incident=declared, severity="SEV1", actor=cora_acts, now=clock.at)
        assert watching(declared).wake_at == clock.at
    look(tenant, declared, clock)
    with tenant_scope(tenant.id):
        assert watching(declared).wake_at == clock.at + 20 * MINUTE
        move_incident(
            incident=declared,
            to="CANCELED",
            reason="It was a load test.",
            closure="TEST",
            actor=cora_acts,
            now=clock.at,
        )
    assert look(tenant, declared, clock) == "SUCCEEDED"

    with tenant_scope(tenant.id):
        move_incident(incident=declared, to="OPEN", reason="It was real after all.", actor=cora_acts, now=clock.at)
        assert watching(declared).status == "QUEUED"


def test_a_role_that_nobody_accepts_is_reported_once(
    declared: Incident, cora_acts: Actor, ben: Any, tenant: Tenant, clock: Clock
) -> None:
    with tenant_scope(tenant.id):
        assign_role(incident=declared, role="COMMUNICATIONS", user=ben, actor=cora_acts, now=clock.at)
    look(tenant, declared, clock)
    with tenant_scope(tenant.id):
        assert watching(declared).wake_at == clock.at + 10 * MINUTE
    clock.at += 11 * MINUTE

    look(tenant, declared, clock)
    look(tenant, declared, clock)

    with tenant_scope(tenant.id):
        entry = TimelineEvent.objects.get(incident=declared, kind=EventKind.ROLE_UNANSWERED)
    assert entry.data["to"]["name"] == "Ben Responder"


@pytest.mark.parametrize("name", [*DECLARED.steps, "incidents.watch_response"])
def test_partial_saga_failure_visible_and_retryable(
    declared: Incident,
    cora_acts: Actor,
    tenant: Tenant,
    clock: Clock,
    as_user: Callable[..., Any],
    cora: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One step fails for good: the incident is whole, the others went on, the page says so and retries it."""
    step = registry.step(name)
    broken = registry.RegisteredStep(name, _fails, registry.Retry(max_attempts=1), step.timeout)
    monkeypatch.setitem(registry._steps, name, broken)
    with tenant_scope(tenant.id):
        runs = {run.workflow: run for run in Run.objects.filter(subject=declared.ref)}
    ends = {workflow: advance_run(tenant, run, clock) for workflow, run in runs.items()}
    with tenant_scope(tenant.id):
        failed = Step.objects.select_related("run").get(name=name, run__subject=declared.ref)
        assert StatusTransition.objects.filter(incident=declared).count() == 1
        assert TimelineEvent.objects.filter(incident=declared, kind=EventKind.DECLARED).count() == 1
    assert ends.pop(failed.run.workflow) == "FAILED"
    assert "FAILED" not in ends.values()

    browser = as_user(cora)
    page = browser.get(f"/t/northwind/incidents/INC-{declared.number}/?tab=steps").content.decode()
    assert "the other side is away" in page
    monkeypatch.setitem(registry._steps, name, step)
    monkeypatch.setattr("incidents.page.response_views.now", clock)
    retry = f"/t/northwind/incidents/INC-{declared.number}/runs/{failed.run.number}/retry/"
    assert retry in page
    assert browser.post(retry).status_code == 302

    assert advance_run(tenant, failed.run, clock) in {"SUCCEEDED", "WAITING"}
    with tenant_scope(tenant.id):
        assert Incident.objects.count() == 1
        assert Delivery.objects.count() == 0


def _fails(ctx: Any) -> dict[str, Any]:
    raise RuntimeError("the other side is away")


def look(tenant: Tenant, incident: Incident, clock: Clock) -> str | None:
    """Have the watch look at the incident now, whenever it had meant to."""
    with tenant_scope(tenant.id):
        run = watching(incident)
        Run.objects.filter(id=run.id, status="WAITING").update(wake_at=clock.at)
    return advance_run(tenant, run, clock)


def watching(incident: Incident) -> Run:
    return Run.objects.filter(workflow=WATCH_WORKFLOW, subject=incident.ref).latest("number")


def advance_run(tenant: Tenant, run: Run, clock: Clock) -> str | None:
    return advance(tenant_id=tenant.id, run_id=run.id, worker="test", now=clock.at)


def missed(tenant: Tenant, incident: Incident) -> list[tuple[int, str]]:
    with tenant_scope(tenant.id):
        entries = TimelineEvent.objects.filter(incident=incident, kind=EventKind.UPDATE_MISSED).order_by("seq")
        return [(each.data["miss"], each.data["escalated_to"]) for each in entries]


def test_retrying_needs_its_permission(
    declared: Incident, tenant: Tenant, as_user: Callable[..., Any], ben: Any, cleo: Any, max_: Any
) -> None:
    with tenant_scope(tenant.id):
        run = watching(declared)
    retry = f"/t/northwind/incidents/INC-{declared.number}/runs/{run.number}/retry/"

    assert as_user(ben).post(retry).status_code == 403
    assert as_user(cleo).post(retry).status_code == 403
    assert as_user(max_).post(retry).status_code == 404
    with pytest.raises(Exception, match="failed run"), tenant_scope(tenant.id):
        retry_run(run=run, actor=Actor.system(), now=declared.declared_at)
