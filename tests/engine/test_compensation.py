"""What succeeded is undone from the last to the first when a later step fails for good; a retry does it anew."""

from __future__ import annotations

from typing import Any

from conductor.engine.define.context import Permanent, StepContext
from conductor.engine.define.definition import Do, Parallel
from conductor.engine.lifecycle.operating import retry_run
from conductor.engine.models import Run, Step
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant


def test_compensations_run_in_reverse_before_the_clean_up_and_a_retry_is_a_new_effect(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    told: list[str] = []

    def book(ctx: StepContext) -> dict[str, Any]:
        told.append(f"book {ctx.idempotency_key[37:]}")
        return {"booking": len(told)}

    def unbook(ctx: StepContext) -> dict[str, Any]:
        told.append(f"unbook {(ctx.undone or {})['booking']} {ctx.idempotency_key[37:]}")
        return {}

    def probe(ctx: StepContext) -> dict[str, Any]:
        told.append(f"probe {ctx.item} {ctx.idempotency_key[37:]}")
        return {"item": ctx.item}

    def unprobe(ctx: StepContext) -> dict[str, Any]:
        told.append(f"unprobe {(ctx.undone or {})['item']} {ctx.idempotency_key[37:]}")
        return {}

    def plain(ctx: StepContext) -> dict[str, Any]:
        return {}

    def last(ctx: StepContext) -> dict[str, Any]:
        told.append(f"last {ctx.idempotency_key[37:]}")
        if ctx.attempt == 1:
            raise Permanent("full", code="full")
        return {"done": True}

    def tidy(ctx: StepContext) -> dict[str, Any]:
        told.append("tidy")
        return {}

    steps = [
        Do("tests.book", undo="tests.unbook"),
        Parallel("tests.probe", over="input.items", limit=1, undo="tests.unprobe"),
        plain,
        last,
    ]
    name = define(steps, on_failure=[tidy], also=[book, unbook, probe, unprobe])
    run = work(start(name, input={"items": ["a", "b"]}), rounds=20)

    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "full")
    assert told == [
        "book 1", "probe a 2.0", "probe b 2.1", "last 4",
        "unprobe a 5.0", "unprobe b 5.1", "unbook 1 6", "tidy",
    ]  # fmt: skip

    told.clear()
    with tenant_scope(tenant.id):
        retry_run(run=run, actor=actor(cora), now=clock_now())
    run = work(run, rounds=20)
    assert run.status == Run.Status.SUCCEEDED
    assert told == ["book 1:2", "probe a 2.0:2", "probe b 2.1:2", "last 4"]


def test_a_compensation_that_fails_is_named_and_the_others_still_run(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    told: list[str] = []

    def book(ctx: StepContext) -> dict[str, Any]:
        return {"n": ctx.seq}

    def unbook(ctx: StepContext) -> dict[str, Any]:
        told.append(f"undo {(ctx.undone or {})['n']}")
        if ctx.seq == 4:
            raise Permanent("gone")
        return {}

    def broken(ctx: StepContext) -> dict[str, Any]:
        raise Permanent("no")

    twice = Do("tests.book", undo="tests.unbook")
    run = work(start(define([twice, twice, broken], also=[book, unbook])))

    assert told == ["undo 2", "undo 1"]
    assert run.error["not_undone"] == ["tests.unbook"]
    with tenant_scope(tenant.id):
        undone = dict(Step.objects.filter(run=run, undoes__isnull=False).values_list("undoes", "status"))
    assert undone == {2: "FAILED", 1: "SUCCEEDED"}
