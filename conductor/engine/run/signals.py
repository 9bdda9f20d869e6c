"""Named signals: kept with the run until a step that waits for the name takes one, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conductor.engine.models import Signal, Step
from conductor.lib.clock import rfc3339


def taken_for(step: Step, *, now: datetime) -> dict[str, Any] | None:
    """Return the signal that the step waits for, taking it for the step; None if it has not come.

    What a step has taken for this wait stays its own: after a worker died, the next try is given the same signal.
    """
    wait = step.wait or {}
    if step.started_at is None:
        return None  # no try of it has begun, so it can have waited for none
    mine = Signal.objects.filter(taken_by=step)
    if wait.get("kind") != "signal":
        return _said(mine.order_by("-taken_at", "-id").first())
    had = mine.filter(name=wait["signal"]).count()
    if had > wait["taken_before"]:
        return _said(mine.filter(name=wait["signal"]).order_by("-taken_at", "-id").first())
    came = Signal.objects.filter(run_id=step.run_id, name=wait["signal"], taken_by=None).first()
    if came is not None:
        Signal.objects.filter(id=came.id, taken_by=None).update(taken_by=step, taken_at=now)
    return _said(came)


def taken_before(step: Step, name: str) -> int:
    """Count the signals of this name that the step has taken: a wait that begins now is for the next one."""
    return Signal.objects.filter(taken_by=step, name=name).count()


def _said(signal: Signal | None) -> dict[str, Any] | None:
    if signal is None:
        return None
    return {
        "name": signal.name,
        "payload": signal.payload,
        "by": signal.sent_by,
        "by_name": signal.sent_by_name,
        "at": rfc3339(signal.sent_at),
    }
