"""T40 to T45: sequencers that are killed, writers that are late, databases that go away, and a million leaves."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import DatabaseError, OperationalError, connection, connections

from conductor.ledger import selectors
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log import merkle, sequencer
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.log.tiles import edge_of, grown
from conductor.ledger.models import Checkpoint, Receipt, Tile
from conductor.ledger.verify.verification import verify_ledger
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.database import clone_name
from tests.ledger.acts import act, logged

pytestmark = pytest.mark.usefixtures("committed")
MILLION = 1_000_000


def state(tenant: Tenant) -> tuple[list[int | None], list[str]]:
    """Return the numbers in the log, and what is wrong with it."""
    with tenant_scope(tenant.id):
        numbers = list(Receipt.objects.order_by("leaf_index").values_list("leaf_index", flat=True))
        return numbers, verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults


@pytest.mark.parametrize(("where", "numbered"), [("before", 0), ("after", 5)])
def test_t40_a_killed_sequencer_has_done_a_batch_wholly_or_not_at_all(
    tenant: Tenant, now: datetime, tmp_path: Path, where: str, numbered: int
) -> None:
    for _ in range(5):
        act(tenant, now)
    marker = tmp_path / "marker"
    command = [sys.executable, "-m", "tests.attacks.worker", clone_name(), str(tenant.id), where, str(marker)]
    environment = {**os.environ, "CONDUCTOR_KEYS_DIR": str(_keys_dir())}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    for _ in range(600):
        if marker.exists():
            break
        assert process.poll() is None, "the sequencer ended before it could be killed"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    with tenant_scope(tenant.id):
        assert Receipt.objects.exclude(leaf_index=None).count() == numbered
    _until_unlocked(tenant, now)
    assert state(tenant) == ([0, 1, 2, 3, 4], [])


def _keys_dir() -> Path:
    from django.conf import settings

    return Path(settings.CONDUCTOR_KEYS_DIR)


def _until_unlocked(tenant: Tenant, now: datetime) -> None:
    """Sequence what is left; PostgreSQL needs a moment to notice that the other end is dead."""
    for _ in range(200):
        sequence(tenant_id=tenant.id, now=now)
        with tenant_scope(tenant.id):
            if not Receipt.objects.filter(leaf_index=None).exists():
                return
        time.sleep(0.05)
    raise AssertionError("the dead sequencer's lock was not released")


def test_t42_a_transaction_that_commits_late_is_numbered_then_and_nothing_is_skipped(
    tenant: Tenant, now: datetime
) -> None:
    written, go_on = Event(), Event()

    def late() -> None:
        try:
            with tenant_scope(tenant.id):
                act(tenant, now - timedelta(hours=1))
                written.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(late)
        assert written.wait(20)
        logged(tenant, now, 3)
        go_on.set()
        job.result(20)

    assert sequence(tenant_id=tenant.id, now=now) == 1
    assert state(tenant) == ([0, 1, 2, 3], [])


def test_t42_thirty_two_writers_at_once_leave_no_gap(tenant: Tenant, now: datetime) -> None:
    def write(_number: int) -> None:
        try:
            for _ in range(4):
                act(tenant, now)
        finally:
            connection.close()

    def number(_number: int) -> None:
        try:
            for _ in range(12):
                sequence(tenant_id=tenant.id, now=now)
        finally:
            connection.close()

    jobs: list[Callable[[int], None]] = [write] * 32 + [number] * 2
    with ThreadPoolExecutor(34) as pool:
        list(pool.map(lambda job: job(0), jobs))
    sequence(tenant_id=tenant.id, now=now)

    assert state(tenant) == (list(range(128)), [])


def test_t44_a_database_that_goes_away_in_the_middle_of_a_batch_loses_nothing(
    tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        act(tenant, now)
    sign = sequencer._sign_checkpoint

    def cut_off(*given: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with connections["owner"].cursor() as owner:
            owner.execute("SELECT pg_terminate_backend(%s)", [pid])
        sign(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sequencer, "_sign_checkpoint", cut_off)
    with pytest.raises((OperationalError, DatabaseError)):
        sequence(tenant_id=tenant.id, now=now)
    connection.close()
    monkeypatch.setattr(sequencer, "_sign_checkpoint", sign)

    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(leaf_index=None).count() == 3
        assert not Tile.objects.exists()
    sequence(tenant_id=tenant.id, now=now)
    assert state(tenant) == ([0, 1, 2], [])


@pytest.mark.full
def test_t45_a_proof_among_a_million_receipts_takes_less_than_fifty_milliseconds(tenant: Tenant, now: datetime) -> None:
    """Proofs never read receipts, so only tiles and a checkpoint are made for the million."""
    leaves = [merkle.leaf_hash(number.to_bytes(8)) for number in range(MILLION)]
    tiles = grown(size=0, edge=dict.fromkeys(edge_of(0), b""), leaves=leaves)
    root = merkle.root(leaves)
    with tenant_scope(tenant.id):
        Tile.objects.bulk_create(
            Tile(tenant_id=tenant.id, level=at.level, number=at.number, hashes=hashes) for at, hashes in tiles.items()
        )
        checkpoint = Checkpoint(
            tenant_id=tenant.id, tree_size=MILLION, root_hash=root.hex(), frontier=[], note="", created_at=now
        )
        took = []
        for index in range(0, MILLION, 9973):
            receipt = Receipt(tenant_id=tenant.id, leaf_index=index, leaf_hash=leaves[index].hex())
            began = time.perf_counter()
            proof = selectors.inclusion_proof(receipt=receipt, checkpoint=checkpoint)
            took.append(time.perf_counter() - began)
            merkle.verify_inclusion(
                leaf=leaves[index],
                index=index,
                size=MILLION,
                proof=[bytes.fromhex(each) for each in proof.hashes],
                root_hash=root,
            )

    print(f"{len(took)} proofs: median {statistics.median(took) * 1e3:.1f} ms, slowest {max(took) * 1e3:.1f} ms")
    assert statistics.median(took) < 0.05
