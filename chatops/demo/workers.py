"""Kills a worker in the middle of its work, to show that nothing is lost."""

from __future__ import annotations

import os
import signal

from celery import current_app

from chatops.demo.doors import wait_until


def kill_a_worker(*, seconds: float) -> int:
    """Kill -9 the worker that answers first, wait until one answers again, and return the killed one's process id."""
    name, victim = wait_until("a worker", lambda: next(iter(_pids().items()), None), seconds=seconds)
    os.kill(victim, signal.SIGKILL)
    wait_until("the worker's successor", lambda: _pids().get(name, victim) != victim or None, seconds=seconds)
    return victim


def _pids() -> dict[str, int]:
    """Return the process of each worker that answers, by the worker's name."""
    stats = current_app.control.inspect(timeout=2).stats() or {}
    return {name: int(each["pid"]) for name, each in stats.items()}
