"""A run is one trace, whose id is the run's own, whoever works on it and however it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from conductor.engine.define.context import Permanent, StepContext
from conductor.engine.lifecycle.operating import cancel_run
from conductor.engine.run.executor import advance
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

Spans = Callable[[], list[ReadableSpan]]


def named(found: list[ReadableSpan], start: str) -> list[ReadableSpan]:
    return [each for each in found if each.name.startswith(start)]


def test_tries_and_run_are_one_trace_with_the_runs_id(
    spans: Spans, define: Any, start: Any, tenant: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    def shaky(ctx: StepContext) -> dict[str, Any]:
        if ctx.attempt < 2:
            raise ConnectionError("the password is hunter2")
        return {}

    run = start(define([shaky]))
    with django_capture_on_commit_callbacks(execute=True):
        for worker in ("first", "second", "third"):
            advance(tenant_id=tenant.id, run_id=run.id, worker=worker, now=clock_now())

    (whole,) = named(spans(), "run tests.workflow")
    tries = named(spans(), "step tests.shaky")
    assert [(each.attributes or {})["conductor.attempt"] for each in tries] == [1, 2]
    assert [each.status.is_ok for each in tries] == [False, True]
    assert {each.context.trace_id for each in [whole, *tries]} == {run.id.int}
    assert whole.parent is None
    assert {each.parent.span_id for each in tries if each.parent} == {whole.context.span_id}
    assert (whole.attributes or {})["conductor.status"] == "succeeded"
    assert "hunter2" not in "".join(each.to_json() for each in spans())


def test_a_failed_and_a_cancelled_run_say_so(
    spans: Spans, define: Any, start: Any, work: Any, tenant: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(ctx: StepContext) -> dict[str, Any]:
        raise Permanent("no", code="no")

    workflow = define([broken])
    with django_capture_on_commit_callbacks(execute=True):
        work(start(workflow))
        waiting = start(workflow)
        with tenant_scope(tenant.id):
            cancel_run(run=waiting, actor=Actor.system(), reason="not needed", now=clock_now())

    failed, cancelled = named(spans(), "run ")
    assert ((failed.attributes or {})["conductor.status"], failed.status.is_ok) == ("failed", False)
    assert ((cancelled.attributes or {})["conductor.status"], cancelled.status.is_ok) == ("cancelled", True)
