"""Workflows whose every step has one effect at the counterpart; and what each should have done in the end."""

from __future__ import annotations

import http.client
import json
import os
from datetime import timedelta
from typing import Any
from uuid import UUID

from conductor.engine.define.context import Permanent, StepContext, Wait, WaitForDecision, WaitForSignal
from conductor.engine.define.definition import Do, Parallel, Retry, Workflow
from conductor.engine.define.registry import register_step, register_workflow
from tests.chaos.faults import pass_by

ITEMS = 5


def effect(ctx: StepContext, what: str) -> None:
    """Have the counterpart do `what` for this run, once."""
    ctx.heartbeat()
    pass_by("before_effect")
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["CHAOS_PORT"]), timeout=10)
    body = json.dumps({"what": f"{ctx.run_id} {what}"})
    connection.request("POST", "/", body, {"Idempotency-Key": ctx.idempotency_key})
    if connection.getresponse().status not in {200, 201}:
        raise ConnectionError("the counterpart did not answer")
    connection.close()
    pass_by("after_effect")


def act(ctx: StepContext) -> dict[str, Any]:
    effect(ctx, f"act {ctx.seq}")
    return {"seq": ctx.seq}


def undo(ctx: StepContext) -> dict[str, Any]:
    effect(ctx, f"undo {(ctx.undone or {})['seq']}" + ("" if ctx.item is None else f".{ctx.item}"))
    return {}


def listed(ctx: StepContext) -> dict[str, Any]:
    return {"items": list(range(ITEMS))}


def each(ctx: StepContext) -> dict[str, Any]:
    effect(ctx, f"act {ctx.seq}.{ctx.item}")
    return {"seq": ctx.seq, "item": ctx.item}


def shaky(ctx: StepContext) -> dict[str, Any]:
    if not ctx.lines:
        ctx.log("fails once")
    if ctx.attempt == 1:
        raise ConnectionError("not the first time")
    return act(ctx)


def nap(ctx: StepContext) -> dict[str, Any]:
    if not ctx.lines:
        ctx.log("naps")
        raise Wait(until=ctx.now() + timedelta(milliseconds=300), reason="a nap")
    return act(ctx)


def signalled(ctx: StepContext) -> dict[str, Any]:
    if ctx.signal is None:
        raise WaitForSignal(name="go", reason="the word")
    return act(ctx)


def decided(ctx: StepContext) -> dict[str, Any]:
    if ctx.decision is None:
        raise WaitForDecision(prompt="Go on?", permission="operate_runs")
    return act(ctx)


def doomed(ctx: StepContext) -> dict[str, Any]:
    raise Permanent("as it should", code="doomed")


LIST = "outputs.chaos.listed.items"
WORKFLOWS = (
    Workflow("chaos.line", 1, "Steps one after another", ("chaos.act",) * 4),
    Workflow(
        "chaos.fan", 1, "A group", ("chaos.listed", Parallel("chaos.each", over=LIST, limit=3), "chaos.act"),
        priority="incident",
    ),
    Workflow(
        "chaos.undone", 1, "Compensations",
        (Do("chaos.act", undo="chaos.undo"), "chaos.listed", Parallel("chaos.each", over=LIST, undo="chaos.undo"),
         "chaos.doomed"),
        on_failure=("chaos.act",),
    ),
    Workflow("chaos.waits", 1, "Waits", ("chaos.shaky", "chaos.nap", "chaos.signalled", "chaos.decided")),
)  # fmt: skip
_FAN = [f"act 2.{n}" for n in range(ITEMS)]
_GROUP = [f"{deed} 3.{n}" for deed in ("act", "undo") for n in range(ITEMS)]
EFFECTS = {
    "chaos.line": ["act 1", "act 2", "act 3", "act 4"],
    "chaos.fan": [*_FAN, "act 3"],
    "chaos.undone": ["act 1", "undo 1", "act 7", *_GROUP],
    "chaos.waits": ["act 1", "act 2", "act 3", "act 4"],
}
"""What each workflow has done when its run is over, by the counterpart's account."""
ENDS = {"chaos.line": "SUCCEEDED", "chaos.fan": "SUCCEEDED", "chaos.undone": "FAILED", "chaos.waits": "SUCCEEDED"}


def expected(workflow: str, run_id: UUID) -> list[str]:
    return [f"{run_id} {what}" for what in EFFECTS[workflow]]


def register() -> None:
    """Register the steps and workflows in this process."""
    patient = Retry(
        max_attempts=30, first_delay=timedelta(milliseconds=100), factor=1.3, max_delay=timedelta(seconds=1)
    )
    for function in (act, undo, listed, each, shaky, nap, signalled, decided, doomed):
        register_step(f"chaos.{function.__name__}", function, retry=patient)
    for workflow in WORKFLOWS:
        register_workflow(workflow)
