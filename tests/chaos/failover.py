"""Has the database fail over in the middle of runs, and says what came of it: `python -m tests.chaos.failover`.

`runs`: workers are at work, every commit waits for the standby, the primary is killed and the standby promoted.
`acknowledged`: what a commit is worth while the standby is cut off, with and without waiting for it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.drive import Driver, prepare
from tests.chaos.pair import Pair
from tests.chaos.stage import Stage

PROMOTED_AFTER = 2.0
"""Seconds without any database, until somebody has decided that the primary is gone."""
LIMIT_SECONDS = 1
"""Of a statement, for a process as a worker is one, to see whether it ends a commit's waiting: it must not."""


class Failover(Driver):
    """Starts runs and answers them; once a quarter of them is over, the primary is gone."""

    def __init__(self, stage: Stage, pair: Pair, *, runs: int) -> None:
        super().__init__(stage, runs=runs, seed=0, every=0, once=True)
        self.pair = pair
        self.acknowledged: set[UUID] = set()
        self.seconds_away = 0.0

    def go(self, *, seconds: float) -> float:
        began = time.monotonic()
        died = 0.0
        while time.monotonic() - began < seconds:
            self.stage.look_after()
            self._safely(self._start_some)
            self._safely(self._answer)
            if self._safely(self._count) and died and not self.seconds_away:
                self.seconds_away = time.monotonic() - died
            if not died and self.over >= self.runs // 4:
                died = self._fail_over()
            if died and self.started == self.runs == self.over:
                break
            self._tell(began)
            time.sleep(0.05)
        return time.monotonic() - began

    def _fail_over(self) -> float:
        """What is seen here was acknowledged: a commit that still waits for the standby is not visible."""
        self.acknowledged = rows()
        died = time.monotonic()
        self.pair.kill_primary()
        time.sleep(PROMOTED_AFTER)
        self.pair.promote()
        return died


def rows() -> set[UUID]:
    """Return the ids of all receipts and runs."""
    from conductor.engine.models import Run
    from conductor.ledger.models import Receipt
    from conductor.tenancy.database.scope import tenant_scope
    from tests.world import NORTHWIND

    with tenant_scope(NORTHWIND):
        return {*Receipt.objects.values_list("id", flat=True), *Run.objects.values_list("id", flat=True)}


def play_runs(stage: Stage, pair: Pair, *, runs: int, seconds: float) -> dict[str, Any]:
    pair.wait_for_standby(True)
    stage.open_curtain()
    driver = Failover(stage, pair, runs=runs)
    took = driver.go(seconds=seconds)
    from tests.chaos.verdict import judge

    time.sleep(1)  # late writers have their last word
    driver.close_connections()
    verdict = judge(stage.effects)
    return {
        **verdict.as_dict(),
        "seconds": took,
        "seconds_away": driver.seconds_away,
        "acknowledged": len(driver.acknowledged),
        "acknowledged_and_gone": len(driver.acknowledged - rows()),
        "restarts": stage.restarts,
    }


def play_acknowledged(stage: Stage, pair: Pair) -> dict[str, Any]:
    from conductor.tenancy.database import limits

    limits.set_limits({"statement_timeout": f"{LIMIT_SECONDS}s"})
    pair.wait_for_standby(True)
    pair.cut()
    writer = _Writer()
    writer.start()
    time.sleep(LIMIT_SECONDS + 2)
    waited = writer.is_alive()
    pair.mend()
    writer.join(30)
    kept = writer.run_id

    pair.wait_for_standby(False)
    pair.cut()
    lost = _Writer()
    lost.start()
    lost.join(30)
    pair.kill_primary()
    pair.promote()
    Driver.close_connections(Failover(stage, pair, runs=0))
    found = rows()
    return {
        "commit_waits_for_a_standby_that_is_away": waited,
        "acknowledged_with_waiting_is_there": kept in found,
        "acknowledged_without_waiting": lost.run_id is not None,
        "acknowledged_without_waiting_is_there": lost.run_id in found,
    }


class _Writer(threading.Thread):
    """Starts a run; `run_id` is set once the database has said that it is committed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.run_id: UUID | None = None

    def run(self) -> None:
        from django.db import connection

        from conductor.engine.lifecycle.starting import start_run
        from conductor.lib.clock import now
        from conductor.tenancy.actors import Actor
        from conductor.tenancy.database.scope import tenant_scope
        from tests.world import NORTHWIND

        try:
            with tenant_scope(NORTHWIND):
                run = start_run(tenant_id=NORTHWIND, workflow="chaos.line", actor=Actor.system(), now=now())
            self.run_id = run.id
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("play", choices=["runs", "acknowledged"])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=600, help="give up after this long")
    parser.add_argument("--json", type=Path, required=True, help="where to write what came of it")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so end what was started
    folder = Path(tempfile.mkdtemp(prefix="failover-"))
    pair = Pair(folder)
    stage = Stage(folder, "valkey", postgres=pair)
    try:
        stage.set()
        prepare()
        if given.play == "runs":
            told = play_runs(stage, pair, runs=given.runs, seconds=given.seconds)
        else:
            told = play_acknowledged(stage, pair)
        given.json.write_text(json.dumps(told, indent=1))
        print(json.dumps(told, indent=1), flush=True)
    finally:
        stage.strike()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
