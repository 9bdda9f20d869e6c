"""A worker process for the chaos tests: advances one run of the test database, with a workflow of counted effects.

Started as `python -m tests.chaos.worker <database> <run id> <effects file> <where to stop>`; it stops (and waits to be
killed) at the named place: `before:N`, `inside:N` (after the effect of step N, before its record) or `never`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

WORKFLOW = "tests.chaos"
STEPS = 4


def effect(path: Path, key: str) -> None:
    """An outside effect that honours its idempotency key, as a counterpart would: one line a key."""
    seen = path.read_text().splitlines() if path.exists() else []
    with path.open("a") as stream:
        stream.write(key + "\n" if key not in seen else f"again {key}\n")


def stop_at(place: str, wanted: str, marker: Path) -> None:
    if place == wanted:
        marker.write_text(str(os.getpid()))
        time.sleep(60)


def register(path: Path, wanted: str) -> None:
    """Register the workflow of four steps in this process."""
    from datetime import timedelta

    from conductor.engine import Retry, StepContext, Workflow, register_step, register_workflow

    marker = path.with_suffix(".stopped")

    def make(number: int) -> Any:
        def step(ctx: StepContext) -> dict[str, Any]:
            stop_at(f"before:{number}", wanted, marker)
            effect(path, ctx.idempotency_key)
            stop_at(f"inside:{number}", wanted, marker)
            return {"number": number}

        return step

    names = tuple(f"tests.chaos_{number}" for number in range(1, STEPS + 1))
    for number, name in enumerate(names, start=1):
        register_step(name, make(number), retry=Retry(max_attempts=9, first_delay=timedelta(0)))
    register_workflow(Workflow(WORKFLOW, 1, "Chaos", names))


def main() -> None:
    database, run_id, path, wanted = sys.argv[1:5]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connections

    from conductor.engine.executor import advance
    from conductor.lib.clock import now
    from tests.world import NORTHWIND

    for connection in connections.all():
        connection.settings_dict["NAME"] = database
    register(Path(path), wanted)
    advance(tenant_id=NORTHWIND, run_id=UUID(run_id), worker=f"w{os.getpid()}", now=now())


if __name__ == "__main__":
    main()
