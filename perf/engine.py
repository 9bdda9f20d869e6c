"""Runs per second and overhead of a step, beside a bare Celery chain of the same no-op steps: `make perf NAME=engine`.

Starts a PostgreSQL, a broker and one worker of two processes for itself. Both kinds of work go through the same worker
and broker, in turns, each on an idle worker: what the turn before left in the queues (runs leave receipts to be
numbered) is worked off first, and is in nobody's time. A chain keeps nothing: what a run costs more is what it records.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from conductor.embedded.services.broker import Broker
from conductor.embedded.services.postgres import Postgres

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 2
SAMPLES = 20
SWEEP_SECONDS = 2.0
IDLE_LOOKS = 4
"""Idle is what looks idle so often in a row: a task that is about to wake up another one is not."""


def prepare(home: Path, postgres: Postgres, broker: Broker) -> None:
    """Start the engines, migrate, and make one tenant."""
    postgres.start()
    broker.start()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="conductor.settings",
        DATABASE_URL=postgres.url(),
        DATABASE_APP_URL=postgres.url("conductor_app"),
        BROKER_URL=broker.url(),
        CONDUCTOR_HOME=str(home),
        CONDUCTOR_LOG_LEVEL="ERROR",
        PYTHONPATH=str(ROOT),
    )
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from conductor.ledger.keys.keys import FileKeys
    from tests.world import people_the_world

    call_command("migrate", database="owner", verbosity=0, interactive=False)
    people_the_world()
    FileKeys(settings.CONDUCTOR_KEYS_DIR).create()


def start_worker() -> subprocess.Popen[bytes]:
    """Start the worker; it is ready once it has worked off a first chain."""
    command = [sys.executable, "-m", "celery", "-A", "perf.engine_app", "worker", "-c", str(PROCESSES), "-l", "ERROR"]
    return subprocess.Popen([*command, "--without-mingle", "--without-gossip"], cwd=ROOT, start_new_session=True)


def runs(count: int) -> float:
    """Start `count` runs and return the seconds until the last one has ended."""
    from conductor.engine.lifecycle.starting import start_run
    from conductor.engine.models import Run
    from conductor.lib.clock import now
    from conductor.tenancy.actors import Actor
    from conductor.tenancy.database.scope import tenant_scope
    from tests.world import NORTHWIND

    began = time.perf_counter()
    for _ in range(count):
        with tenant_scope(NORTHWIND):
            start_run(tenant_id=NORTHWIND, workflow="perf.nothing", actor=Actor.system(), now=now())
    while True:
        with tenant_scope(NORTHWIND):
            if not Run.objects.exclude(status__in=Run.OVER).exists():
                break
        time.sleep(0.005)
    return time.perf_counter() - began


def chains(count: int) -> float:
    """Start `count` bare chains and return the seconds until the last one is through."""
    from perf.engine_app import DONE, app, bare_chain

    with app.connection_for_write() as connection:
        client = connection.default_channel.client
        client.delete(DONE)
        began = time.perf_counter()
        for number in range(count):
            bare_chain(number).apply_async(queue="compliance")
        while client.llen(DONE) < count:
            time.sleep(0.005)
        return time.perf_counter() - began


def drain(*, seconds: float = 300) -> None:
    """Return once nothing is queued, nothing is at work and every receipt has its number.

    There is no beat here, so this sweeps in its place: a receipt that came while a batch was closed waits for that.
    """
    from conductor.celery import QUEUES
    from conductor.ledger.models import Receipt
    from conductor.tenancy.database.scope import tenant_scope
    from perf.engine_app import app
    from tests.world import NORTHWIND

    deadline, idle, sweep_at = time.monotonic() + seconds, 0, time.monotonic() + SWEEP_SECONDS
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        while idle < IDLE_LOOKS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker is not idle after {seconds:.0f} s")
            left = sum(channel._size(queue) for queue in QUEUES) + channel.client.hlen(channel.unacked_key)
            with tenant_scope(NORTHWIND):
                left += Receipt.objects.filter(leaf_index=None).count()
            idle = 0 if left else idle + 1
            if time.monotonic() > sweep_at:
                sweep_at += SWEEP_SECONDS
                app.send_task("conductor.sweep_ledgers", queue="default", ignore_result=True)
            time.sleep(0.05)


def one_by_one(work: Callable[[int], float]) -> list[float]:
    """Return how long each of SAMPLES took that ran alone, in milliseconds."""
    found = []
    for _ in range(SAMPLES):
        drain()
        found.append(1000 * work(1))
    return found


def report(count: int, seconds: dict[str, list[float]], alone: dict[str, list[float]]) -> str:
    """The figures, the ratios and the machine."""
    from perf.engine_app import STEPS

    best = {name: min(found) for name, found in seconds.items()}
    middle = {name: statistics.median(found) for name, found in alone.items()}
    step = {name: 1000 * best[name] * PROCESSES / (count * STEPS) for name in best}
    lines = [
        f"{count} times {STEPS} no-op steps, one worker of {PROCESSES} processes, best of {len(seconds['run'])}",
        f"{'':<36}{'engine':>12}{'bare chain':>12}{'ratio':>8}",
        f"{'per second':<36}{count / best['run']:>12.1f}{count / best['chain']:>12.1f}"
        f"{best['run'] / best['chain']:>8.2f}",
        f"{'steps per second':<36}{count * STEPS / best['run']:>12.1f}{count * STEPS / best['chain']:>12.1f}",
        f"{'process time per step, ms':<36}{step['run']:>12.2f}{step['chain']:>12.2f}",
        f"{'overhead of a step, ms':<36}{step['run'] - step['chain']:>12.2f}",
        f"{'one alone, median ms':<36}{middle['run']:>12.1f}{middle['chain']:>12.1f}"
        f"{middle['run'] / middle['chain']:>8.2f}",
        f"machine: {_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Linux {platform.release()}, Python {platform.python_version()}",
    ]
    return "\n".join(lines)


def _processor() -> str:
    try:
        found = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        found = []
    return found[0].partition(":")[2].strip() if found else platform.machine()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; in a process of its own where Django is set up for another database already."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") == "tests.settings":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_"))}
        return subprocess.run([sys.executable, "-m", "perf.engine", *(argv or [])], env=kept, check=True).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(argv)
    home = Path(tempfile.mkdtemp(prefix="perf-engine-"))
    postgres, broker = Postgres(home / "postgres"), Broker(home / "broker")
    worker = None
    try:
        prepare(home, postgres, broker)
        worker = start_worker()
        chains(2)
        runs(2)
        seconds: dict[str, list[float]] = {"run": [], "chain": []}
        for _ in range(given.rounds):
            for name, work in (("run", runs), ("chain", chains)):
                drain()
                seconds[name].append(work(given.runs))
        print(report(given.runs, seconds, {"run": one_by_one(runs), "chain": one_by_one(chains)}), flush=True)
    finally:
        if worker:
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait()
        broker.stop()
        postgres.stop()
        broker.remove()
        postgres.remove()
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
