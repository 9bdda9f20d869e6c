"""Drives runs through faults and prints what came of it: `python -m tests.chaos.drive --runs 500 --broker valkey`.

Every message is sent twice and two beats sweep, all the time. Besides, one fault after another: workers killed at exact
places and as a whole, workers stopped past their lease and woken again, a beat killed, the broker wiped, PostgreSQL
crashed. Exit code 0 only if every run ended as it should, each effect happened exactly once and no row is orphaned.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chaos import faults
from tests.chaos.stage import LEASE_SECONDS, Stage

STOP_AT = ("begun", "before_effect", "after_effect", "recording", "claimed")
"""Two of them inside a transaction that holds the run's row: PostgreSQL takes it from them after IDLE_SECONDS."""
BATCH = 10
PATIENCE_SECONDS = 20
MOST_STOPPED = 2
STILL_SECONDS = 10
"""A fault comes at the latest so long after it was due, though nothing was recorded meanwhile."""
CALM = 0.95
"""Share of the runs after which no fault is injected: they would all strike the few runs that are left, and a step that
kills ten workers is given up, as it should be."""
KILLS = 0.9
"""Share of the faults that strike one process at an exact place; the others take down more."""


class Driver:
    """Starts the runs, answers what they wait for, injects faults, and knows when all is over."""

    def __init__(self, stage: Stage, *, runs: int, seed: int, every: float, once: bool) -> None:
        self.stage, self.runs, self.every, self.once = stage, runs, every, once
        self.random = random.Random(seed)
        self.injected: Counter[str] = Counter()
        self.started = self.armed = 0
        self.stopped: dict[int, float] = {}
        self.woken: Counter[int] = Counter()
        self.over = self.recorded = 0
        self.told = 0.0

    def go(self, *, seconds: float) -> float:
        """Work until every run is over, or the time is; return how long it took."""
        began = time.monotonic()
        plan = self._plan()
        next_fault = began + 1
        while time.monotonic() - began < seconds:
            self.stage.look_after()
            self._wake_stopped()
            self._safely(self._start_some)
            self._safely(self._answer)
            if self._safely(self._count) and self.started == self.runs == self.over and not self.stopped:
                break
            if self.over >= self.runs * CALM and not self.once:
                faults.disarm()
            elif time.monotonic() >= next_fault and self._has_moved(since=next_fault):
                if kind := next(plan, ""):
                    self._inject(kind)
                next_fault = time.monotonic() + self.every
            self._tell(began)
            time.sleep(0.1)
        faults.disarm()
        self._wake_stopped(at_once=True)
        return time.monotonic() - began

    def _has_moved(self, *, since: float) -> bool:
        """Whether a step was recorded since the last fault; after a while that counts as moved.

        Faults by the clock alone strike a slow machine more often than it gets anything done, and then nothing ends.
        """
        recorded = self._safely(self._recorded)
        if recorded is None or (recorded <= self.recorded and time.monotonic() - since < STILL_SECONDS):
            return False
        self.recorded = recorded
        return True

    def _recorded(self) -> int:
        from conductor.engine.models import Step
        from conductor.tenancy.database.scope import tenant_scope
        from tests.world import NORTHWIND

        with tenant_scope(NORTHWIND):
            return Step.objects.filter(status="SUCCEEDED").count()

    def _tell(self, began: float) -> None:
        if time.monotonic() - self.told > 5:
            self.told = time.monotonic()
            struck = sum(self.injected.values()) + len(faults.struck())
            seconds = f"{self.told - began:4.0f} s"
            print(f"{seconds}: {self.started} started, {self.over} over, {struck} faults", file=sys.stderr, flush=True)

    def report_faults(self) -> dict[str, int]:
        """Count what has struck: armed faults by their files, the others as they were done."""
        found = Counter(self.injected)
        for place, deed, _pid in faults.struck():
            found[f"worker {'killed' if deed == 'kill' else 'paused past its lease'}: {place}"] += 1
        return dict(sorted(found.items()))

    def _plan(self) -> Any:
        """Each kind once in a shuffled order, then at random for ever; those at exact places are the most frequent."""
        kinds = [f"kill {place}" for place in faults.PLACES] + [f"stop {place}" for place in STOP_AT]
        rare = ["worker", "beat", "broker", "postgres"]
        first = kinds + rare
        self.random.shuffle(first)
        yield from first
        while not self.once:
            yield self.random.choice(kinds if self.random.random() < KILLS else rare)

    def _inject(self, kind: str) -> None:
        deed, _, place = kind.partition(" ")
        if deed == "stop" and len(self.stopped) + faults.armed("stop") >= MOST_STOPPED:
            return  # somebody must be left to take over
        if place:
            self.armed += 1
            faults.arm(place, deed, self.armed)
        elif deed in {"worker", "beat"}:
            self.stage.kill(f"{deed}{self.random.randrange(2)}")
            self.injected[f"{deed} killed as a whole"] += 1
        elif deed == "broker":
            self.stage.wipe_broker()
            self.injected["broker wiped"] += 1
        else:
            self.stage.crash_postgres()
            self.injected["PostgreSQL crashed and restarted"] += 1

    def _start_some(self) -> None:
        from conductor.engine.lifecycle.answering import send_signal
        from conductor.engine.lifecycle.starting import start_run
        from conductor.lib.clock import now
        from conductor.tenancy.actors import Actor
        from conductor.tenancy.database.scope import tenant_scope
        from tests.chaos.workflows import WORKFLOWS
        from tests.world import NORTHWIND

        for _ in range(min(BATCH, self.runs - self.started, max(0, 60 - (self.started - self.over)))):
            number, workflow = self.started, WORKFLOWS[self.started % len(WORKFLOWS)].name
            with tenant_scope(NORTHWIND):
                run = start_run(
                    tenant_id=NORTHWIND, workflow=workflow, actor=Actor.system(), now=now(), dedup_key=str(number)
                )
                if workflow == "chaos.waits" and number % 8 < 4:  # every second signal comes before anybody waits
                    send_signal(run=run, name="go", dedup_key="go", actor=Actor.system(), now=now())
            self.started += 1

    def _answer(self) -> None:
        """Send each signal twice; decide each wait."""
        from conductor.engine.lifecycle.answering import decide_wait, send_signal
        from conductor.engine.models import Step
        from conductor.lib.clock import now
        from conductor.tenancy.actors import Actor
        from conductor.tenancy.database.scope import tenant_scope
        from tests.world import NORTHWIND

        with tenant_scope(NORTHWIND):
            waiting = Step.objects.filter(status="WAITING", item=None, wait__kind__in=["signal", "decision"])
            for step in waiting.select_related("run")[:20]:
                if step.is_waiting_for_decision:
                    decide_wait(run=step.run, approve=True, reason="chaos", actor=Actor.system(), now=now())
                elif (step.wait or {})["kind"] == "signal":
                    for _ in range(2):
                        send_signal(run=step.run, name="go", dedup_key="go", actor=Actor.system(), now=now())

    def _count(self) -> bool:
        from conductor.engine.models import Run
        from conductor.tenancy.database.scope import tenant_scope
        from tests.world import NORTHWIND

        with tenant_scope(NORTHWIND):
            self.over = Run.objects.filter(status__in=Run.OVER).count()
        return True

    def _wake_stopped(self, *, at_once: bool = False) -> None:
        """Let paused workers come back once somebody else has what they held."""
        strikes = Counter(pid for _place, deed, pid in faults.struck() if deed == "stop")
        for pid, times in strikes.items():  # one and the same worker may be struck again once it is awake
            if times > self.woken[pid]:
                self.stopped.setdefault(pid, time.monotonic())
        for pid, since in list(self.stopped.items()):
            waited = time.monotonic() - since
            taken = waited > LEASE_SECONDS and self._safely(lambda pid=pid: self._is_taken_over(pid))
            if at_once or taken or waited > PATIENCE_SECONDS:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                self.woken[pid] += 1
                del self.stopped[pid]

    def _is_taken_over(self, pid: int) -> bool:
        from conductor.engine.models import Run, Step
        from conductor.tenancy.database.scope import tenant_scope
        from tests.world import NORTHWIND

        with tenant_scope(NORTHWIND):
            held = {"lease_owner__endswith": f":{pid}", "status": "RUNNING"}
            return not Run.objects.filter(**held).exists() and not Step.objects.filter(**held).exists()

    def _safely(self, deed: Any) -> Any:
        """Do it unless the database is just away: the next round does it then."""
        from django.db import Error

        from conductor.lib.errors import Refused

        try:
            return deed()
        except Refused:
            return None  # a run moved on between reading and answering
        except Error:
            self.close_connections()
            return None

    def close_connections(self) -> None:
        """Forget connections that a crash of PostgreSQL has cut."""
        from django.db import Error, connections

        for connection in connections.all():
            with suppress(Error):
                connection.close()


def prepare() -> None:
    """Migrate and people the database; make the signing keys."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from conductor.ledger.keys.keys import FileKeys
    from tests.chaos import app  # noqa: F401 - this process sends its messages twice as well
    from tests.world import people_the_world

    call_command("migrate", database="owner", verbosity=0, interactive=False)
    people_the_world()
    FileKeys(settings.CONDUCTOR_KEYS_DIR).create()
    for connection in connections.all():
        connection.close()


def report(stage: Stage, driver: Driver, verdict: Any, seconds: float) -> str:
    """The report as people read it."""
    found = driver.report_faults()
    refused = stage.folder / "refused"
    late = len(refused.read_text().splitlines()) if refused.exists() else 0
    zero = verdict.must_be_zero
    lines = [
        f"Chaos report: {verdict.runs} runs, broker {stage.kind}, {seconds:.0f} s, "
        f"{platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}",
        "",
        f"{'faults injected':<52}{sum(found.values()):>7}",
        *(f"  {name:<50}{count:>7}" for name, count in found.items()),
        f"{'always: every message sent twice, two beats':<52}",
        f"{'players started again':<52}{stage.restarts:>7}",
        f"{'tries lost with their worker':<52}{verdict.lost_tries:>7}",
        f"{'late writes refused':<52}{late:>7}",
        "",
        f"{'runs':<52}{verdict.runs:>7}",
        f"{'effects at the counterpart':<52}{verdict.effects:>7}",
        f"{'  requests it had to answer from the first one':<52}{verdict.requests - verdict.effects:>7}",
        *(f"{name:<52}{count:>7}" for name, count in zero.items()),
        *(f"  {fault}" for fault in verdict.complaints[:9]),
        "",
        f"lost {zero['runs that did not end'] + zero['effects lost']}, doubled {zero['effects doubled']}: "
        f"{'PASSED' if verdict.is_clean else 'FAILED'}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--broker", choices=["valkey", "redis", "rabbitmq"], default="valkey")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--every", type=float, default=1.5, help="seconds between two faults")
    parser.add_argument("--once", action="store_true", help="inject each kind of fault once, and no more")
    parser.add_argument("--seconds", type=float, default=3600, help="give up after this long")
    parser.add_argument("--json", type=Path, help="write the counts to this file too")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so end what was started
    stage = Stage(Path(tempfile.mkdtemp(prefix="chaos-")), given.broker)
    is_clean = False
    try:
        is_clean = play(stage, given)
    finally:
        stage.strike()
        if is_clean:
            shutil.rmtree(stage.folder, ignore_errors=True)
        else:
            print(f"logs kept in {stage.folder / 'logs'}", file=sys.stderr)
    return 0 if is_clean else 1


def play(stage: Stage, given: argparse.Namespace) -> bool:
    """Have the chaos, print its report, and return whether all is as it should be."""
    stage.set()
    prepare()
    stage.open_curtain()
    driver = Driver(stage, runs=given.runs, seed=given.seed, every=given.every, once=given.once)
    seconds = driver.go(seconds=given.seconds)
    time.sleep(1)  # late writers have their last word
    from tests.chaos.verdict import judge

    driver.close_connections()
    verdict = judge(stage.effects)
    print(report(stage, driver, verdict, seconds), flush=True)
    if given.json:
        late = (stage.folder / "refused").exists()
        given.json.write_text(json.dumps({"faults": driver.report_faults(), "late": late, **verdict.as_dict()}))
    return verdict.is_clean


if __name__ == "__main__":
    raise SystemExit(main())
