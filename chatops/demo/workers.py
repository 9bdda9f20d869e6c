"""Kills a worker in the middle of its work, to show that nothing is lost."""

from __future__ import annotations

import os
import signal

from celery import current_app

from chatops.demo.doors import wait_until


def kill_a_worker(*, seconds: float) -> int:
    """Kill -9 the worker that answers first, wait until one answers again, and return the killed one's process id."""
    victim = wait_until("a worker", _pid, seconds=seconds)
    os.kill(victim, signal.SIGKILL)
    wait_until("the worker's successor", lambda: _other_than(victim), seconds=seconds)
    return victim


def _pid() -> int | None:
    stats = current_app.control.inspect(timeout=2).stats() or {}
    return next((int(each["pid"]) for each in stats.values()), None)


def _other_than(victim: int) -> int | None:
    pid = _pid()
    return pid if pid not in {None, victim} else None
