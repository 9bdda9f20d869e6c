"""A worker that freezes inside the transaction in which it holds a run's row: `python -m tests.engine.frozen`.

It stops itself once with the signal that nobody can catch, at the place that is named. Woken, it goes on as workers do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up

from conductor.engine.define.context import StepContext  # noqa: E402
from conductor.engine.define.definition import Workflow  # noqa: E402
from conductor.engine.define.registry import register_step, register_workflow  # noqa: E402
from conductor.engine.run import records, work  # noqa: E402
from conductor.lib.clock import now  # noqa: E402
from conductor.tenancy.database import limits  # noqa: E402
from tests.database import _point_at  # noqa: E402

WORKFLOW = "tests.frozen"
SECONDS = 2
"""Of silence in a transaction, after which PostgreSQL ends the session."""


def hold_to_short_limits() -> None:
    """Hold this process to what workers are held to, but sooner."""
    short = {"idle_in_transaction_session_timeout": f"{SECONDS}s"}
    limits.set_limits({**settings.DATABASE_LIMITS["worker"], **short})


def define(effects: Path) -> None:
    """Register the workflow: its one step has an effect, a line in the file, with its idempotency key."""

    def effect(ctx: StepContext) -> dict[str, Any]:
        with effects.open("a") as stream:
            stream.write(f"{ctx.idempotency_key}\n")
        return {"attempt": ctx.attempt}

    register_step("tests.effect", effect)
    register_workflow(Workflow(WORKFLOW, 1, "One effect", ("tests.effect",)))


def freeze_in(module: Any, name: str) -> None:
    """Stop this process after the first call of the function, whose transaction is still open."""
    function: Callable[..., Any] = getattr(module, name)

    def freezing(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        setattr(module, name, function)
        os.kill(os.getpid(), signal.SIGSTOP)
        return result

    setattr(module, name, freezing)


def main(database: str, place: str, effects: str, told: str) -> None:
    _point_at(database)
    hold_to_short_limits()
    define(Path(effects))
    freeze_in(records, place)
    claimed = work.work(priority=20, worker="frozen")
    again = work.work(priority=20, worker="frozen")  # on a connection that must have recovered
    Path(told).write_text(f"{claimed} {again} {now().isoformat()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
