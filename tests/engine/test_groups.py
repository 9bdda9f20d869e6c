"""Parallel groups: one step for each item, joined; failures, retries, decisions of single items."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conductor.engine.claim import claims
from conductor.engine.define.context import Permanent, StepContext, WaitForDecision
from conductor.engine.define.definition import Parallel
from conductor.engine.lifecycle.answering import decide_wait
from conductor.engine.lifecycle.operating import cancel_run, retry_run
from conductor.engine.lifecycle.refusals import DecisionAmbiguous
from conductor.engine.models import Run, Step, Try
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

OVER_SERVICES = Parallel("tests.probe", over="outputs.tests.listed.services", limit=2)


def listed(ctx: StepContext) -> dict[str, Any]:
    return {"services": ctx.input["services"]}


def probe(ctx: StepContext) -> dict[str, Any]:
    return {"service": ctx.item, "index": ctx.item_index, "key": ctx.idempotency_key}


def total(ctx: StepContext) -> dict[str, Any]:
    return {"services": [each["service"] for each in ctx.outputs["tests.probe"]["items"]]}


def test_each_item_is_a_step_row_and_the_group_is_joined_in_order(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    name = define([listed, OVER_SERVICES, total], also=[probe])
    run = work(start(name, input={"services": ["api", "db", "web"]}))

    assert (run.status, run.output) == (Run.Status.SUCCEEDED, {"services": ["api", "db", "web"]})
    with tenant_scope(tenant.id):
        items = Step.objects.filter(run=run, item__isnull=False).order_by("item")
        assert [item.given for item in items] == ["api", "db", "web"]
        assert [(item.output or {})["key"] for item in items] == [f"{run.id}:2.{index}" for index in range(3)]
        actions = list(Receipt.objects.filter(action="conductor.step.succeeded").values_list("subject_name", flat=True))
    assert sorted(actions) == [f"{run.code} step {place}" for place in ("1", "2", "2.0", "2.1", "2.2", "3")]


def test_two_workers_hold_two_items_of_one_run_at_the_same_time_and_no_more_than_the_limit(
    define: Any, start: Any, tenant: Tenant
) -> None:
    from conductor.engine.run.executor import carry_on

    run = start(define([listed, OVER_SERVICES], also=[probe]), input={"services": ["api", "db", "web"]})
    moment = clock_now()
    first = claims.claim(tenant_id=tenant.id, run_id=run.id, worker="A", now=moment)
    assert first is not None
    carry_on(first)

    with tenant_scope(tenant.id):
        ids = list(Step.objects.filter(run=run, item__isnull=False).order_by("item").values_list("id", flat=True))
    moment = clock_now()
    held = [
        claims.claim_item(tenant_id=tenant.id, item_id=each, worker="AB"[n % 2], now=moment)
        for n, each in enumerate(ids)
    ]
    assert [lease is not None for lease in held] == [True, True, False]
    assert claims.claim(tenant_id=tenant.id, run_id=run.id, worker="C", now=moment) is None, (
        "the run waits for its items"
    )

    carry_on(held[0])  # type: ignore[arg-type]
    third = claims.claim_item(tenant_id=tenant.id, item_id=ids[2], worker="A", now=clock_now())
    assert third is not None, "an item that ended makes room for the next"


def test_after_a_failed_item_no_other_begins_and_a_retry_does_what_was_not_done(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    calls: list[str] = []

    def probe(ctx: StepContext) -> dict[str, Any]:
        calls.append(ctx.item)
        if ctx.item == "db" and calls.count("db") == 1:
            raise Permanent("no route", code="unreachable")
        return {"service": ctx.item}

    one_by_one = Parallel("tests.probe", over="input.services", limit=1)
    run = work(start(define([one_by_one, total], also=[probe]), input={"services": ["api", "db", "web"]}))

    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "unreachable")
    assert "item 1: no route" in run.error["message"]
    with tenant_scope(tenant.id):
        assert dict(Step.objects.filter(run=run, item__isnull=False).values_list("given", "status")) == {
            "api": "SUCCEEDED",
            "db": "FAILED",
            "web": "SKIPPED",
        }
        retry_run(run=run, actor=actor(cora), now=clock_now())
    run = work(run)

    assert (run.status, run.output) == (Run.Status.SUCCEEDED, {"services": ["api", "db", "web"]})
    assert calls == ["api", "db", "db", "web"]


def test_an_empty_list_is_joined_at_once_and_no_list_is_a_failure(define: Any, start: Any, work: Any) -> None:
    name = define([listed, OVER_SERVICES], also=[probe])

    assert work(start(name, input={"services": []})).output == {"items": []}
    failed = work(start(name, input={"services": "api"}))
    assert (failed.status, failed.error["code"]) == (Run.Status.FAILED, "no_list")


def test_single_items_wait_for_decisions_of_their_own(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    def probe(ctx: StepContext) -> dict[str, Any]:
        if ctx.decision is None:
            raise WaitForDecision(prompt=f"Restart {ctx.item}?", permission="command")
        return {"service": ctx.item if ctx.decision["approve"] else "left alone"}

    run = work(start(define([listed, OVER_SERVICES, total], also=[probe]), input={"services": ["api", "db"]}))
    assert run.status == Run.Status.WAITING
    for item, approve in ((1, False), (0, True)):
        with tenant_scope(tenant.id):
            step = Step.objects.get(run=run, item=item)
            answer: dict[str, Any] = {"approve": approve, "reason": "seen", "actor": actor(cora), "now": clock_now()}
            if item == 1:
                with pytest.raises(DecisionAmbiguous):
                    decide_wait(run=run, **answer)
            decide_wait(run=run, step_id=step.id, **answer)
        run = work(run)

    assert (run.status, run.output) == (Run.Status.SUCCEEDED, {"services": ["api", "left alone"]})


def test_cancelling_takes_every_item_out_of_work_and_refuses_what_comes_late(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    def probe(ctx: StepContext) -> dict[str, Any]:
        if ctx.item == "db":
            with tenant_scope(ctx.tenant_id):
                cancel_run(run=Run.objects.get(id=ctx.run_id), actor=actor(cora), reason="stop", now=clock_now())
        return {"service": ctx.item}

    run = work(start(define([listed, OVER_SERVICES], also=[probe]), input={"services": ["api", "db", "web"]}))

    assert run.status == Run.Status.CANCELLED
    with tenant_scope(tenant.id):
        assert not Step.objects.filter(run=run).exclude(status__in=[*Step.OVER]).exists()
        assert Step.objects.get(run=run, given="db").output is None
        assert not Try.objects.filter(outcome__in=["RUNNING", "WAITING"]).exists()


def test_a_lost_item_goes_to_the_next_worker_as_the_same_effect(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    keys: list[str] = []

    def probe(ctx: StepContext) -> dict[str, Any]:
        keys.append(ctx.idempotency_key)
        if len(keys) == 1:
            with tenant_scope(ctx.tenant_id):
                late = clock_now() - timedelta(seconds=1)
                item = Step.objects.get(run_id=ctx.run_id, item=0)
                Step.objects.filter(id=item.id).update(lease_expires_at=late)
            from conductor.engine.run.executor import carry_on

            taken = claims.claim_item(tenant_id=ctx.tenant_id, item_id=item.id, worker="B", now=clock_now())
            assert taken is not None
            carry_on(taken)
        return {"service": len(keys)}

    run = work(
        start(define([Parallel("tests.probe", over="input.services")], also=[probe]), input={"services": ["api"]})
    )

    assert (run.status, run.output) == (Run.Status.SUCCEEDED, {"items": [{"service": 2}]})
    assert len(set(keys)) == 1 and len(keys) == 2
    with tenant_scope(tenant.id):
        assert list(Try.objects.order_by("number").values_list("outcome", flat=True)) == ["LOST", "SUCCEEDED"]
