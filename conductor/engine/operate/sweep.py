"""Finds what a dead worker or a lost message left lying, and wakes workers up for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from conductor.engine.claim.wake import wake
from conductor.engine.operate.backlog import backlogs

PATIENCE = timedelta(seconds=3)
"""What came due less than this ago is left alone: its wake-up is on its way."""
WAKE_UPS = 16
"""Wake-ups per priority and sweep. Each worker that hears one goes on until nothing is left to claim."""
FRESH_SECONDS = 10
"""Two sweeps' worth: wake-ups of sweeps do not pile up before workers that are busy or away."""


def sweep_runs(*, now: datetime) -> int:
    """Send wake-ups for whatever is due; return how many. Two sweeps do no harm."""
    sent = 0
    for backlog in backlogs(now=now - PATIENCE):
        for _ in range(min(backlog.due, WAKE_UPS)):
            wake(priority=backlog.priority, fresh_seconds=FRESH_SECONDS)
            sent += 1
    return sent
