"""Answers that runs wait for: human decisions and named signals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from conductor.engine.claim.wake import wake_after_commit
from conductor.engine.lifecycle.four_eyes import ask_policy
from conductor.engine.lifecycle.refusals import (
    DecisionAmbiguous,
    RunIsOver,
    RunNotWaiting,
    WaitChanged,
    receipt,
    refuse_long,
)
from conductor.engine.models import Run, Signal, Step
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, require

NAME_CHARACTERS = 80


def decide_wait(
    *, run: Run, approve: bool, reason: str, actor: Actor, now: datetime, step_id: UUID | None = None
) -> Run:
    """Record who approved or rejected what the run waits for, and let it go on with that answer.

    `step_id` says which item is meant where several wait; without it there must be one. Policy is asked first: raise
    PolicyDenied where the wait demands four eyes and whoever started the run, or whose act it is, approves it
    themselves. Raise WaitChanged when the run came to ask something else meanwhile.
    """
    step = _undecided(run, step_id)
    require(actor=actor, permission=(step.wait or {})["permission"])
    refuse_long(reason)
    decision = ask_policy(run=run, step=step, approve=approve, actor=actor, now=now)
    with transaction.atomic():
        _lock(run)
        wait: dict[str, Any] = dict(_undecided(run, step.id).wait or {})
        if wait != step.wait:
            raise WaitChanged
        wait["decision"] = {
            "approve": approve,
            "by": actor.ref,
            "by_name": actor.name,
            "reason": reason,
            "at": rfc3339(now),
        }
        Step.objects.filter(id=step.id).update(wait=wait)
        _let_go_on(run, step, now)
        body = {"step": step.name, "place": step.place, "approve": approve, "reason": reason}
        receipt(run, "conductor.run.decided", actor, now, {**body, "asked": wait["reason"]}, decision)
    run.refresh_from_db()
    return run


def send_signal(
    *,
    run: Run,
    name: str,
    actor: Actor,
    now: datetime,
    payload: Mapping[str, Any] | None = None,
    dedup_key: str = "",
) -> Signal:
    """Send the run a named signal and return it; with a `dedup_key` used before, return the signal that it made then.

    It is kept until a step waits for its name, and taken once. Raise RunIsOver if nothing can take it any more.
    """
    require(actor=actor, permission="operate_runs")
    if not name or len(name) > NAME_CHARACTERS:
        raise Invalid(fields={"name": [f"Between 1 and {NAME_CHARACTERS} characters."]})
    with transaction.atomic():
        current = _lock(run)
        sent = Signal.objects.filter(run=run, name=name, dedup_key=dedup_key).first() if dedup_key else None
        if sent is not None:
            return sent
        if current.is_over:
            raise RunIsOver
        signal = Signal.objects.create(
            tenant_id=run.tenant_id,
            run=run,
            name=name,
            payload=dict(payload or {}),
            dedup_key=dedup_key,
            sent_by=actor.ref,
            sent_by_name=actor.name,
            sent_at=now,
        )
        waiting = Step.objects.filter(run=run, status=Step.Status.WAITING, wait__kind="signal", wait__signal=name)
        for step in waiting:
            _let_go_on(run, step, now)
        receipt(run, "conductor.run.signalled", actor, now, {"signal": name})
    return signal


def _lock(run: Run) -> Run:
    """Lock the run's row: nobody ends or wakes it meanwhile."""
    return Run.objects.select_for_update(no_key=True).get(id=run.id)


def _undecided(run: Run, step_id: UUID | None) -> Step:
    waiting = Step.objects.filter(run=run, status=Step.Status.WAITING, wait__kind="decision")
    if step_id:
        waiting = waiting.filter(id=step_id)
    found = [step for step in waiting if step.is_waiting_for_decision]
    if not found:
        raise RunNotWaiting
    if len(found) > 1:
        raise DecisionAmbiguous
    return found[0]


def _let_go_on(run: Run, step: Step, now: datetime) -> None:
    """Make the waiting step due: an item by itself, any other with its run."""
    if step.item is None:
        if not Run.objects.filter(id=run.id, status=Run.Status.WAITING).update(wake_at=now):
            raise RunNotWaiting
    else:
        Step.objects.filter(id=step.id).update(wake_at=now)
    wake_after_commit(priority=run.priority)
