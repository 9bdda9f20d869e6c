"""Named signals, typed inputs and outputs, timeouts, code that changes under a run, poison, redaction."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, Field

from conductor.engine.claim import claims
from conductor.engine.define import registry
from conductor.engine.define.context import StepContext, WaitForSignal
from conductor.engine.define.definition import Retry
from conductor.engine.define.redaction import redacted
from conductor.engine.lifecycle.answering import send_signal
from conductor.engine.lifecycle.operating import retry_run
from conductor.engine.lifecycle.refusals import RunIsOver
from conductor.engine.models import Run, Signal, Step, Try
from conductor.engine.run import records
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant


class Wanted(BaseModel):
    service: str
    copies: int = Field(default=1, ge=1)


def gate(ctx: StepContext) -> dict[str, Any]:
    if ctx.signal is None and not ctx.waited_out:
        until = ctx.now() + timedelta(hours=1)
        raise WaitForSignal(name="vendor.confirmed", reason="The vendor confirms by telephone", until=until)
    return {"said": ctx.signal["payload"] if ctx.signal else None, "by": ctx.signal["by_name"] if ctx.signal else None}


def test_a_signal_lets_the_run_go_on_once(
    define: Any, start: Any, work: Any, cora: Any, cleo: Any, actor: Any, tenant: Tenant
) -> None:
    run = work(start(define([gate])))
    assert run.status == Run.Status.WAITING
    with tenant_scope(tenant.id):
        with pytest.raises(PermissionMissing):
            send_signal(run=run, name="vendor.confirmed", actor=actor(cleo), now=clock_now())
        send_signal(run=run, name="vendor.refused", actor=actor(cora), now=clock_now())
    assert work(run).status == Run.Status.WAITING, "another name is another signal"
    with tenant_scope(tenant.id):
        for _ in range(2):
            send_signal(
                run=run,
                name="vendor.confirmed",
                payload={"ticket": 7},
                dedup_key="7",
                actor=actor(cora),
                now=clock_now(),
            )
        assert Signal.objects.filter(name="vendor.confirmed").count() == 1

    run = work(run)
    assert run.output == {"said": {"ticket": 7}, "by": "Cora Commander"}
    with tenant_scope(tenant.id), pytest.raises(RunIsOver):
        send_signal(run=run, name="vendor.confirmed", actor=actor(cora), now=clock_now())


def test_a_signal_sent_early_is_kept_and_one_that_never_comes_is_waited_out(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    name = define([gate])
    early, never = start(name), start(name)
    with tenant_scope(tenant.id):
        send_signal(run=early, name="vendor.confirmed", actor=Actor.system(), now=clock_now())

    assert work(early).output == {"said": {}, "by": "Conductor"}
    assert work(never).status == Run.Status.WAITING
    assert work(never, at=clock_now() + timedelta(hours=2)).output == {"said": None, "by": None}


def test_a_worker_that_dies_with_the_signal_in_hand_does_not_take_it_along(
    define: Any, start: Any, work: Any, tenant: Tenant
) -> None:
    seen: list[Any] = []

    def gate(ctx: StepContext) -> dict[str, Any]:
        if ctx.signal is None:
            raise WaitForSignal(name="go", reason="the word")
        seen.append(ctx.signal["payload"])
        if len(seen) == 1:
            raise ConnectionError("died just here")
        return {}

    run = start(define([gate]))
    with tenant_scope(tenant.id):
        for n in (1, 2):
            send_signal(run=run, name="go", payload={"n": n}, actor=Actor.system(), now=clock_now())
    assert work(run).status == Run.Status.SUCCEEDED
    assert seen == [{"n": 1}, {"n": 1}]
    with tenant_scope(tenant.id):
        assert Signal.objects.filter(taken_by=None).count() == 1


def test_input_and_output_are_held_to_their_types(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def scale(ctx: StepContext) -> BaseModel:
        wanted = ctx.input_as(Wanted)
        return Wanted(service=wanted.service.upper(), copies=wanted.copies)

    def tell(ctx: StepContext) -> dict[str, Any]:
        return {"service": ctx.output_of("tests.scale", Wanted).service, "copies": ctx.input["tell"]}

    class Told(Wanted):
        tell: int = 3

    name = define([scale, tell], input=Told, output=Wanted)
    with pytest.raises(Invalid) as refused:
        start(name, input={"copies": 0})
    assert set(refused.value.fields) == {"input.service", "input.copies"}

    assert work(start(name, input=Told(service="api"))).output == {"service": "API", "copies": 3}
    wrong = work(start(name, input={"service": "api", "tell": -1}))
    assert (wrong.status, wrong.error["code"]) == (Run.Status.FAILED, "output_invalid")

    registry.register_step("tests.tell", tell, output=Wanted, retry=Retry(max_attempts=3))
    wrong = work(start(name, input={"service": "api", "tell": -1}))
    assert (wrong.error["code"], wrong.error["step"]) == ("output_invalid", "tests.tell")
    with tenant_scope(tenant.id):
        assert Try.objects.filter(step__run=wrong, step__name="tests.tell").count() == 1


def test_a_step_that_hangs_is_interrupted(committed: None, define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def hang(ctx: StepContext) -> dict[str, Any]:
        try:
            time.sleep(60)
        except Exception:  # noqa: BLE001 - a step's own handler does not swallow the interruption
            return {}
        return {}

    began = time.monotonic()
    run = work(start(define([hang], timeout=timedelta(milliseconds=200), attempts=2)))

    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "timeout")
    assert time.monotonic() - began < 30
    with tenant_scope(tenant.id):
        assert list(Try.objects.values_list("outcome", flat=True)) == ["FAILED", "FAILED"]


def test_mended_source_goes_on_with_a_receipt_and_a_new_version_stops(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    def fragile(ctx: StepContext) -> dict[str, Any]:
        return {"by": 1 // 0}

    run = work(start(define([fragile], attempts=1)))
    assert run.status == Run.Status.FAILED
    began_with = run.workflow_digest

    def fragile(ctx: StepContext) -> dict[str, Any]:  # type: ignore[no-redef]
        return {"by": "mended"}

    define([fragile], attempts=1)
    with tenant_scope(tenant.id):
        retry_run(run=run, actor=actor(cora), now=clock_now())
    run = work(run)
    assert (run.output, run.workflow_digest) == ({"by": "mended"}, began_with)
    assert run.code_digest != began_with
    with tenant_scope(tenant.id):
        body = Receipt.objects.get(action="conductor.run.code_changed").body
        assert (body["from"], body["to"]) == (began_with, run.code_digest)
        assert len(Step.objects.get(run=run).source_digest) == 64

    old = start(define([fragile], attempts=1))
    define([fragile], version=2)
    assert work(old).error["code"] == "workflow_changed"
    old = start(define([fragile], version=2))
    define([fragile], version=3, continues=(2,))
    assert work(old).status == Run.Status.SUCCEEDED


def test_a_step_that_kills_its_workers_is_given_up(define: Any, start: Any, work: Any, tenant: Tenant) -> None:
    def deadly(ctx: StepContext) -> dict[str, Any]:
        raise SystemExit

    run = start(define([deadly]))
    for _ in range(records.MAX_LOSSES):
        lease = claims.claim(tenant_id=tenant.id, run_id=run.id, worker="w", now=clock_now())
        assert lease is not None
        with pytest.raises(SystemExit):
            from conductor.engine.run.executor import carry_on

            carry_on(lease)
        with tenant_scope(tenant.id):
            Run.objects.filter(id=run.id).update(lease_expires_at=clock_now() - timedelta(seconds=1))

    run = work(run)
    assert (run.status, run.error["code"]) == (Run.Status.FAILED, "worker_lost")


def test_a_retry_forgives_the_failures_before_it(
    define: Any, start: Any, work: Any, cora: Any, actor: Any, tenant: Tenant
) -> None:
    def shaky(ctx: StepContext) -> dict[str, Any]:
        if ctx.attempt < 5:
            raise ConnectionError("away")
        return {"attempt": ctx.attempt}

    run = work(start(define([shaky], attempts=3)))
    assert run.status == Run.Status.FAILED
    with tenant_scope(tenant.id):
        retry_run(run=run, actor=actor(cora), now=clock_now())
    assert work(run).output == {"attempt": 5}


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("postgresql://backup:hunter22@db:5432/x", "hunter22"),
        ("password=hunter22 refused", "hunter22"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ],
)
def test_what_looks_like_a_secret_is_erased(text: str, gone: str) -> None:
    assert gone not in str(redacted({"note": [text]}))


def test_members_named_like_a_secret_are_erased_but_references_and_counts_stay() -> None:
    given = {"api_key": "abc", "tokens": 3, "password_ref": "env:DB", "deep": {"client_secret": {"a": "b"}}}

    assert redacted(given) == {
        "api_key": "[erased]",
        "tokens": 3,
        "password_ref": "env:DB",
        "deep": {"client_secret": "[erased]"},
    }
