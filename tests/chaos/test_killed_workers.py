"""kill -9 at every step boundary and inside every step: the run ends, and each effect happened once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from conductor.engine import registry
from conductor.engine.lifecycle import start_run
from conductor.engine.models import Run, Step, Try
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope
from tests.chaos import worker
from tests.database import clone_name

PLACES = [f"{where}:{number}" for number in range(1, worker.STEPS + 1) for where in ("before", "inside")]


def _spawn(run: Run, effects: Path, place: str) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "tests.chaos.worker", clone_name(), str(run.id), str(effects), place]
    return subprocess.Popen(arguments, env=os.environ, stdout=subprocess.DEVNULL)


def _kill_once_stopped(process: subprocess.Popen[bytes], marker: Path) -> None:
    for _ in range(300):
        if marker.exists():
            break
        assert process.poll() is None, "the worker ended before it could be killed"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    marker.unlink()


def _expire_lease(run: Run) -> None:
    """What waiting for the lease's end would do."""
    Run.objects.filter(id=run.id).update(lease_expires_at=clock_now() - timedelta(seconds=1))


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_killed_there_loses_and_doubles_nothing(
    committed: None, tenant: Tenant, tmp_path: Path, place: str
) -> None:
    effects = tmp_path / "effects"
    worker.register(effects, "never")
    with tenant_scope(tenant.id):
        run = start_run(tenant_id=tenant.id, workflow=worker.WORKFLOW, actor=Actor.system(), now=clock_now())

    _kill_once_stopped(_spawn(run, effects, place), effects.with_suffix(".stopped"))
    with tenant_scope(tenant.id):
        assert Run.objects.get(id=run.id).status == Run.Status.RUNNING
        _expire_lease(run)
    assert _spawn(run, effects, "never").wait(timeout=60) == 0

    with tenant_scope(tenant.id):
        assert Run.objects.get(id=run.id).status == Run.Status.SUCCEEDED
        assert set(Step.objects.filter(run=run).values_list("status", flat=True)) == {"SUCCEEDED"}
        assert Try.objects.filter(outcome=Try.Outcome.LOST).count() == 1
    happened = [line for line in effects.read_text().splitlines() if not line.startswith("again ")]
    assert happened == [f"{run.id}:{seq}" for seq in range(1, worker.STEPS + 1)]
    for name in [each for each in registry._steps if each.startswith("tests.chaos_")]:
        registry._steps.pop(name)
    registry._workflows.pop(worker.WORKFLOW)
