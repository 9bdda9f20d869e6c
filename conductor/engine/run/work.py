"""A worker's turn: take what is fairest to do next, as long as there is something to take."""

from __future__ import annotations

import time

from conductor.engine.claim.claims import take
from conductor.engine.claim.wake import wake
from conductor.engine.run.executor import carry_on
from conductor.lib.clock import now as clock_now

TURN_SECONDS = 20.0
"""After this long a worker passes its turn on by a message, so that Celery sees it between two tasks."""


def work(*, priority: int, worker: str) -> int:
    """Claim and carry on work of `priority` or more urgent until there is none; return how often something was claimed.

    Incident work that arrives meanwhile is taken next, also by a worker whose turn began with compliance work.
    """
    claimed, end = 0, time.monotonic() + TURN_SECONDS
    while lease := take(least=priority, worker=worker, now=clock_now()):
        carry_on(lease)
        claimed += 1
        if time.monotonic() >= end:
            wake(priority=priority)
            break
    return claimed
