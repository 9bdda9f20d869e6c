"""Receipts a second, proofs among a million, and what a receipt costs the act that it belongs to.

    make perf NAME=ledger

Declaring is measured with 32 threads on one tenant, by turns with and without receipts in the same minute, because
machines are noisy: only the ratio travels. Who goes first changes from round to round, and one round goes before that
counts for nothing; figures are medians, with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import connection, connections

from conductor.ledger import selectors, statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import FileKeys
from conductor.ledger.log import merkle
from conductor.ledger.log.entry import log_entry
from conductor.ledger.log.sequencer import content_of, sequence
from conductor.ledger.log.tiles import edge_of, grown
from conductor.ledger.models import Checkpoint, Receipt, Tile
from conductor.ledger.receipts import append
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.clock import now
from conductor.lib.ids import uuid7
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from tests import database, world

WRITERS = 32


def line(what: str, figure: str, note: str = "") -> None:
    print(f"{what:<58}{figure:>18}  {note}", flush=True)


def timed(job: Callable[[], Any]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def machine() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        cursor.execute("SHOW synchronous_commit")
        (commit,) = cursor.fetchone()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} (others were at work above 1), "
        f"Python {platform.python_version()}, PostgreSQL {version}, synchronous_commit {commit}\n"
    )


def write(tenant: Tenant, count: int) -> None:
    with tenant_scope(tenant.id):
        for number in range(count):
            append(
                tenant_id=tenant.id,
                action="perf.thing.done",
                subject=f"incidents.incident:{uuid7()}",
                actor=Actor.system(),
                body={"number": number, "note": "as long as a receipt's body is on the whole, which is not very long"},
                now=now(),
            )


def signing(tenant: Tenant) -> None:
    """What one core signs, without a database."""
    signer = FileKeys(settings.CONDUCTOR_KEYS_DIR).seal()
    receipt = Receipt(
        tenant_id=tenant.id, action="perf.thing.done", subject="incidents.incident:1", body={"number": 1},
        actor="conductor.system:conductor", occurred_at=now(), recorded_at=now(),
    )  # fmt: skip

    def sign() -> None:
        for _ in range(2000):
            envelope = dsse.sign(payload=statement.receipt(content_of(receipt, "northwind")), signers=[signer])
            merkle.leaf_hash(log_entry(envelope=envelope, key=signer.public))

    line("statement, signature, log entry, leaf", f"{2000 / timed(sign):,.0f}/s", "one core, no database")


def sequencing(tenant: Tenant, count: int) -> None:
    took = timed(lambda: write(tenant, count))
    line(f"{count:,} receipts written in one transaction", f"{count / took:,.0f}/s")
    took = timed(lambda: sequence(tenant_id=tenant.id, now=now()))
    line(
        f"{count:,} receipts signed, numbered, logged, tiled",
        f"{count / took:,.0f}/s",
        "batches of 1,000, committed each",
    )
    with tenant_scope(tenant.id):
        took = timed(lambda: verify_ledger(tenant_id=tenant.id, keyring=keyring()))
    line("verify_ledger over them", f"{count / took:,.0f}/s")


def proofs(tenant: Tenant, size: int) -> None:
    """Proofs never read receipts, so only tiles and a checkpoint are made for a log of this size."""
    leaves = [merkle.leaf_hash(number.to_bytes(8)) for number in range(size)]
    tiles: dict[Any, bytes] = {}
    took = timed(lambda: tiles.update(grown(size=0, edge=dict.fromkeys(edge_of(0), b""), leaves=leaves)))
    line(f"tiles over {size:,} leaves made in memory", f"{size / took:,.0f}/s")
    root = merkle.root(leaves)
    with tenant_scope(tenant.id):
        rows = [Tile(tenant_id=tenant.id, level=at.level, number=at.number, hashes=each) for at, each in tiles.items()]
        Tile.objects.bulk_create(rows, batch_size=500)
        newest = Checkpoint(tenant_id=tenant.id, tree_size=size, root_hash=root.hex(), frontier=[], note="")
        old = Checkpoint(tenant_id=tenant.id, tree_size=size // 3, note="")
        inclusion, consistency = [], []
        for index in range(0, size, size // 200):
            receipt = Receipt(tenant_id=tenant.id, leaf_index=index, leaf_hash=leaves[index].hex())
            inclusion.append(timed(partial(selectors.inclusion_proof, receipt=receipt, checkpoint=newest)))
            consistency.append(timed(partial(selectors.consistency_proof, old=old, new=newest)))
    for what, times in (("inclusion", inclusion), ("consistency", consistency)):
        median, slow = statistics.median(times) * 1e3, sorted(times)[int(len(times) * 0.95)] * 1e3
        line(
            f"{what} proof at {size:,} leaves, from stored tiles",
            f"{median:.2f} ms",
            f"p95 {slow:.2f} ms; target 50 ms",
        )
    naive = timed(lambda: merkle.inclusion_proof(index=size // 2, leaf_hashes=leaves)) * 1e3
    line(
        "the same from all leaves, already in memory",
        f"{naive:,.0f} ms",
        f"{naive / (statistics.median(inclusion) * 1e3):,.0f} times as long",
    )


@contextmanager
def without_receipts() -> Any:
    """Let `append` build the receipt and go no further: no row, no notification, no subscriber."""
    with mock.patch("conductor.ledger.receipts._insert", lambda receipt: None):
        yield


def declaring(tenant: Tenant, seconds: float, rounds: int) -> None:
    """Declare incidents with 32 writers on one tenant, by turns with and without receipts."""
    with_them: list[float] = []
    without: list[float] = []
    _declare_for(tenant, min(seconds, 2))
    for number in range(rounds):
        for bare in (number % 2 == 1, number % 2 == 0):
            with without_receipts() if bare else nullcontext():
                (without if bare else with_them).append(_declare_for(tenant, seconds))
    line(
        f"declare, {WRITERS} writers, one tenant, with receipts",
        f"{statistics.median(with_them):,.0f}/s",
        _spread(with_them),
    )
    line(f"declare, {WRITERS} writers, one tenant, without", f"{statistics.median(without):,.0f}/s", _spread(without))
    ratios = [one / other for one, other in zip(with_them, without, strict=True)]
    line(
        "ratio, with to without",
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rounds",
    )
    pending = timed(lambda: sequence(tenant_id=tenant.id, now=now()))
    line("sequencing what that left", f"{pending:.1f} s")


def _declare_for(tenant: Tenant, seconds: float) -> float:
    stop = time.perf_counter() + seconds

    def work(writer: int) -> int:
        done = 0
        try:
            while time.perf_counter() < stop:
                with tenant_scope(tenant.id):
                    declare_incident(
                        tenant_id=tenant.id, title=f"Writer {writer}, number {done}", severity="SEV3",
                        actor=Actor.system(), now=now(),
                    )  # fmt: skip
                done += 1
        finally:
            connection.close()
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        total = sum(pool.map(work, range(WRITERS)))
    return total / (time.perf_counter() - began)


def _spread(figures: list[float]) -> str:
    return f"{min(figures):,.0f} to {max(figures):,.0f}, {len(figures)} rounds"


def main(arguments: list[str]) -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--receipts", type=int, default=10_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args(arguments)
    database.create_clone()
    FileKeys(settings.CONDUCTOR_KEYS_DIR).create()
    try:
        machine()
        with tenant_scope(world.NORTHWIND):
            tenant = Tenant.objects.get(id=world.NORTHWIND)
        with tenant_scope(world.GLOBEX):
            other = Tenant.objects.get(id=world.GLOBEX)
        signing(tenant)
        sequencing(tenant, given.receipts)
        proofs(other, given.leaves)
        declaring(tenant, given.seconds, given.rounds)
    finally:
        for each in connections.all():
            each.close()
        database.drop_clone()
