"""A worker that is frozen while it holds a run's row is cut off, and what it still wants to write is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from conductor.engine.define import registry
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run, Step, Try
from conductor.engine.run.work import work
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database import limits
from conductor.tenancy.database.outages import DatabaseBusy, refusal_of
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.database import clone_name
from tests.engine import frozen

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def as_worker(tmp_path: Path) -> Iterator[None]:
    before = dict(registry._steps), dict(registry._workflows)
    frozen.hold_to_short_limits()
    frozen.define(tmp_path / "effects")
    yield
    limits.set_limits({})
    for known, kept in zip((registry._steps, registry._workflows), before, strict=True):
        known.clear()
        known.update(kept)


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def _freeze(place: str, folder: Path) -> subprocess.Popen[bytes]:
    told = folder / "told"
    command = [sys.executable, "-m", "tests.engine.frozen", clone_name(), place, str(folder / "effects"), str(told)]
    process = subprocess.Popen(command, env={**os.environ, "CONDUCTOR_LOG_LEVEL": "CRITICAL"})
    end = time.monotonic() + 60
    while _state_of(process.pid) != "T":
        assert process.poll() is None, "the worker ended before it could freeze"
        assert time.monotonic() < end, "the worker never came to the place"
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(("place", "effects"), [("begin_try", 1), ("succeed_step", 2)])
def test_another_worker_goes_on_when_one_freezes_with_the_runs_row(
    tenant: Tenant, tmp_path: Path, place: str, effects: int
) -> None:
    with tenant_scope(tenant.id):
        run = start_run(tenant_id=tenant.id, workflow=frozen.WORKFLOW, actor=Actor.system(), now=clock_now())
    process = _freeze(place, tmp_path)
    try:
        began = time.monotonic()
        with tenant_scope(tenant.id):  # the lease has run out: this waits for the row that the frozen worker holds
            Run.objects.filter(id=run.id).update(lease_expires_at=clock_now() - timedelta(seconds=1))
        waited = time.monotonic() - began
        assert work(priority=20, worker="awake") == 1
        assert waited < frozen.SECONDS + 3

        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()

    claimed, again, _moment = (tmp_path / "told").read_text().split()
    assert (claimed, again) == ("1", "0"), "it claimed the run once, and its connection works again afterwards"
    with tenant_scope(tenant.id):
        run.refresh_from_db()
        assert run.status == Run.Status.SUCCEEDED
        assert Step.objects.get(run=run).status == Step.Status.SUCCEEDED
        workers = list(Try.objects.values_list("worker", "outcome").order_by("number"))
        assert workers[-1] == ("awake", "SUCCEEDED")
        assert ("frozen", "SUCCEEDED") not in workers
        told = Receipt.objects.filter(action__in=["conductor.step.succeeded", "conductor.run.succeeded"])
        assert sorted(told.values_list("action", flat=True)) == ["conductor.run.succeeded", "conductor.step.succeeded"]
    keys = (tmp_path / "effects").read_text().split()
    assert keys == [f"{run.id}:1"] * effects, "what was done twice carried the same idempotency key"


def test_whoever_waits_too_long_for_a_lock_is_told_that_somebody_holds_it(tenant: Tenant) -> None:
    limits.set_limits({"lock_timeout": "1s"})
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT set_config('conductor.tenant_id', %s, true)", [str(tenant.id)])
            cursor.execute("SELECT id FROM conductor_tenant WHERE id = %s FOR UPDATE", [tenant.id])
            with pytest.raises(OperationalError) as told, tenant_scope(tenant.id):
                Tenant.objects.select_for_update().get(id=tenant.id)
    finally:
        other.rollback()
        other.close()

    assert isinstance(refusal_of(told.value), DatabaseBusy)


def test_only_scopes_are_held_to_limits_and_an_inner_scope_changes_nothing(tenant: Tenant) -> None:
    def lock_timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    limits.set_limits({"lock_timeout": "7s"})
    with transaction.atomic():
        assert lock_timeout() == "0"
    with tenant_scope(tenant.id):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout TO '3s'")
        with tenant_scope(tenant.id):
            assert lock_timeout() == "3s"
    assert lock_timeout() == "0"
