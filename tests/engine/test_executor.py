"""Runs go from step to step, survive failures and lost workers, and never do a recorded step again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conductor.engine.claim import claims, lease
from conductor.engine.define import registry
from conductor.engine.define.context import LeaseLost, Permanent, StepContext, Wait, WaitForDecision
from conductor.engine.lifecycle.answering import decide_wait
from conductor.engine.lifecycle.operating import cancel_run, retry_run
from conductor.engine.lifecycle.refusals import REASON_CHARACTERS, RunIsOver, RunNotWaiting, WorkflowUnknown
from conductor.engine.models import Run, Step, Try
from conductor.engine.operate.sweep import sweep_runs
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.metering.models import MeterEvent
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant


def first(ctx: StepContext) -> dict[str, Any]:
    ctx.log("looked", color="blue")
    return {"found": ctx.input["wanted"]}


def second(ctx: StepContext) -> dict[str, Any]:
    return {"twice": ctx.outputs["tests.first"]["found"] * 2, "key": ctx.idempotency_key}


def test_a_run_succeeds_and_records_each_step(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    run = work(start(define([first, second]), input={"wanted": 21}))

    assert run.status == Run.Status.SUCCEEDED
    with tenant_scope(tenant.id):
        outputs = [step.output for step in Step.objects.filter(run=run).order_by("seq")]
        assert outputs == [{"found": 21}, {"twice": 42, "key": f"{run.id}:2"}]
        assert Try.objects.get(step__seq=1).log[0]["message"] == "looked"
        actions = list(Receipt.objects.order_by("recorded_at", "id").values_list("action", flat=True))
        assert actions == [
            "conductor.run.started",
            "conductor.step.succeeded",
            "conductor.step.succeeded",
            "conductor.run.succeeded",
        ]
        assert MeterEvent.objects.filter(meter="engine.step_seconds").count() == 2


def test_a_failing_step_is_tried_again_and_then_succeeds(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def shaky(ctx: StepContext) -> dict[str, Any]:
        if ctx.attempt < 3:
            raise ConnectionError("away")
        return {"attempt": ctx.attempt}

    run = work(start(define([shaky])))

    assert run.status == Run.Status.SUCCEEDED
    with tenant_scope(tenant.id):
        assert list(Try.objects.values_list("outcome", flat=True)) == ["FAILED", "FAILED", "SUCCEEDED"]


def test_a_step_that_keeps_failing_fails_the_run_and_cleans_up(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    def broken(ctx: StepContext) -> dict[str, Any]:
        raise ConnectionError("still away")

    def tidy(ctx: StepContext) -> dict[str, Any]:
        return {"tidied": True}

    run = work(start(define([broken, second], on_failure=[tidy])))

    assert run.status == Run.Status.FAILED
    assert run.error == {"code": "step_failed", "message": "still away", "step": "tests.broken"}
    with tenant_scope(tenant.id):
        statuses = dict(Step.objects.filter(run=run).values_list("name", "status"))
        assert statuses == {"tests.broken": "FAILED", "tests.second": "PENDING", "tests.tidy": "SUCCEEDED"}
        assert Try.objects.filter(step__name="tests.broken").count() == 3


def test_a_permanent_failure_is_not_tried_again(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def refused(ctx: StepContext) -> dict[str, Any]:
        raise Permanent("no such bucket", code="bucket_missing")

    run = work(start(define([refused])))

    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "bucket_missing")
    with tenant_scope(tenant.id):
        assert Try.objects.count() == 1


def test_a_retried_run_goes_on_from_the_failed_step(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    calls: list[str] = []

    def once(ctx: StepContext) -> dict[str, Any]:
        calls.append("once")
        return {}

    def later(ctx: StepContext) -> dict[str, Any]:
        calls.append("later")
        if calls.count("later") == 1:
            raise Permanent("not yet")
        return {}

    run = work(start(define([once, later])))
    with tenant_scope(tenant.id):
        retry_run(run=run, actor=actor(cora), now=clock_now())
    run = work(run)

    assert run.status == Run.Status.SUCCEEDED
    assert calls == ["once", "later", "later"]


def test_waiting_for_a_time_is_not_a_failure(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    until = clock_now() + timedelta(hours=1)

    def patient(ctx: StepContext) -> dict[str, Any]:
        if ctx.now() < until and ctx.input.get("impatient") is None:
            with tenant_scope(ctx.tenant_id):
                Run.objects.filter(id=ctx.run_id).update(input={"impatient": True})
            raise Wait(until=until, reason="the window opens then")
        return {"waited": True}

    run = work(start(define([patient])))
    assert (run.status, run.wake_at) == (Run.Status.WAITING, until)

    run = work(run, at=until + timedelta(seconds=1))
    assert run.status == Run.Status.SUCCEEDED
    with tenant_scope(tenant.id):
        assert Try.objects.count() == 1


def test_a_decision_is_recorded_and_handed_to_the_step(
    define: Any, start: Any, work: Any, cora: Any, cleo: Any, actor: Any, tenant: Tenant
) -> None:
    def gate(ctx: StepContext) -> dict[str, Any]:
        if ctx.decision is None:
            raise WaitForDecision(prompt="Roll back?", permission="command")
        return {"approved": ctx.decision["approve"], "by": ctx.decision["by_name"]}

    run = work(start(define([gate])))
    assert (run.status, run.wake_at) == (Run.Status.WAITING, None)
    with tenant_scope(tenant.id):
        with pytest.raises(PermissionMissing):
            decide_wait(run=run, approve=True, reason="me too", actor=actor(cleo), now=clock_now())
        decide_wait(run=run, approve=False, reason="too risky", actor=actor(cora), now=clock_now())
        with pytest.raises(RunNotWaiting):
            decide_wait(run=run, approve=True, reason="no", actor=actor(cora), now=clock_now())

    run = work(run)
    with tenant_scope(tenant.id):
        assert Step.objects.get(run=run).output == {"approved": False, "by": "Cora Commander"}


def test_a_worker_past_its_lease_writes_nothing(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    """Worker A sleeps past its lease inside a step; B takes over and finishes; A's late result is refused."""
    effects: list[str] = []

    def slow(ctx: StepContext) -> dict[str, Any]:
        effects.append(ctx.idempotency_key)
        if len(effects) == 1:
            with tenant_scope(ctx.tenant_id):
                Run.objects.filter(id=ctx.run_id).update(lease_expires_at=clock_now() - timedelta(seconds=1))
            finished = work(Run(id=ctx.run_id), worker="B")
            assert finished.status == Run.Status.SUCCEEDED
            with pytest.raises(LeaseLost):
                ctx.heartbeat()
        return {"by": len(effects)}

    run = work(start(define([slow])), worker="A")

    assert run.status == Run.Status.SUCCEEDED
    with tenant_scope(tenant.id):
        assert Step.objects.get(run=run).output == {"by": 2}
        assert list(Try.objects.order_by("number").values_list("outcome", flat=True)) == ["LOST", "SUCCEEDED"]
    assert len(set(effects)) == 1


def test_only_one_of_two_workers_claims(define: Any, start: Any, tenant: Tenant) -> None:
    run = start(define([first]), input={"wanted": 1})
    moment = clock_now()

    results = [claims.claim(tenant_id=tenant.id, run_id=run.id, worker=name, now=moment) for name in ("A", "B")]

    assert [each is not None for each in results] == [True, False]


def test_a_run_whose_workflow_changed_stops_with_its_reason(define: Any, start: Any, work: Any) -> None:
    run = start(define([first, second]), input={"wanted": 1})
    define([second, first])

    run = work(run)

    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "workflow_changed")


def test_a_repeated_dedup_key_returns_the_first_run(define: Any, start: Any, tenant: Tenant) -> None:
    name = define([first])

    runs = {start(name, dedup_key="monday").id for _ in range(3)}

    assert len(runs) == 1
    with tenant_scope(tenant.id):
        assert Run.objects.count() == 1


def test_a_cancelled_run_is_over(define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant) -> None:
    run = start(define([first]), input={"wanted": 1})
    with tenant_scope(tenant.id):
        cancel_run(run=run, actor=actor(cora), reason="not needed", now=clock_now())
        with pytest.raises(RunIsOver):
            cancel_run(run=run, actor=actor(cora), reason="again", now=clock_now())

    assert work(run).status == Run.Status.CANCELLED


def test_the_sweep_wakes_what_a_dead_worker_left(
    define: Any, start: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    monkeypatch.setattr("conductor.engine.operate.sweep.wake", lambda **arguments: woken.append(arguments["priority"]))
    run = start(define([first]), input={"wanted": 1})
    moment = clock_now()
    claims.claim(tenant_id=tenant.id, run_id=run.id, worker="dies", now=moment)

    assert sweep_runs(now=moment) == 0
    later = moment + lease.lease_time() + timedelta(seconds=20)
    assert (sweep_runs(now=later), woken) == (1, [Run.Priority.COMPLIANCE])


def test_an_unknown_workflow_is_invalid(start: Any) -> None:
    with pytest.raises(WorkflowUnknown):
        start("tests.nobody")


def test_a_misspelt_step_is_found_by_the_check(define: Callable[..., str]) -> None:
    registry.register_workflow(registry.Workflow("tests.typo", 1, "Typo", ("tests.nowhere",)))

    assert ("tests.typo", "tests.nowhere") in list(registry.unknown_steps())
    registry._workflows.pop("tests.typo")


def test_a_step_has_output_or_error_never_both(define: Any, start: Any, tenant: Tenant) -> None:
    run = start(define([first]), input={"wanted": 1})

    with tenant_scope(tenant.id), pytest.raises(IntegrityError), transaction.atomic():
        Step.objects.filter(run=run).update(output={}, error={})


def test_the_actor_names_who_started_it(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def who(ctx: StepContext) -> dict[str, Any]:
        return {"actor": ctx.actor.name, "roles": list(ctx.actor.roles)}

    run = work(start(define([who])))

    with tenant_scope(tenant.id):
        assert Step.objects.get(run=run).output == {
            "actor": Actor.system().name,
            "roles": ["system"],
        }


def test_a_reason_is_bounded_at_every_entry_point(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def asks(ctx: StepContext) -> dict[str, Any]:
        raise WaitForDecision(prompt="Go on?", permission="operate_runs")

    waiting, long = work(start(define([asks]))), "x" * (REASON_CHARACTERS + 1)
    everybody = Actor.system()
    with tenant_scope(tenant.id):
        with pytest.raises(Invalid) as cancelled:
            cancel_run(run=waiting, actor=everybody, reason=long, now=clock_now())
        with pytest.raises(Invalid) as decided:
            decide_wait(run=waiting, approve=True, reason=long, actor=everybody, now=clock_now())
    assert cancelled.value.fields == decided.value.fields == {"reason": [f"At most {REASON_CHARACTERS} characters."]}
