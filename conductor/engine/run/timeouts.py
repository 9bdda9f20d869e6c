"""Interrupts a step that takes too long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType


class StepTimedOut(BaseException):
    """The step's time is up. Not an Exception, so that a step's own handlers do not swallow it."""


@contextmanager
def limited(limit: timedelta) -> Iterator[None]:
    """Raise StepTimedOut inside the block once `limit` has passed.

    Only the main thread can be interrupted (a prefork worker's tasks run there). Elsewhere nothing is raised, and the
    lease that is no longer renewed lets another worker take over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise StepTimedOut

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, limit.total_seconds())
        yield
    finally:
        # First deaf, then silent: an alarm in between must not ring outside of the block.
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
