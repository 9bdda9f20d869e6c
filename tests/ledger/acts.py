"""Receipts for tests: acts of no consequence, and keys to sign them with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connections

from conductor.ledger.keys.keys import LOG, SEAL, LocalSigner, generate_log_key, generate_seal_key
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.receipts import append
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant


def act(tenant: Tenant, now: datetime, **given: Any) -> Receipt:
    """Write the receipt of an act."""
    with tenant_scope(tenant.id):
        return append(
            tenant_id=tenant.id,
            action=given.pop("action", "tests.thing.done"),
            subject=given.pop("subject", "incidents.incident:1"),
            actor=Actor.system(),
            body=given.pop("body", {"note": "é", "n": 1}),
            now=now,
            **given,
        )


def logged(tenant: Tenant, now: datetime, count: int) -> list[Receipt]:
    """Write and sequence `count` receipts; return them as they stand then."""
    for number in range(count):
        act(tenant, now + timedelta(milliseconds=number), body={"number": number})
    sequence(tenant_id=tenant.id, now=now + timedelta(seconds=1))
    with tenant_scope(tenant.id):
        return list(Receipt.objects.exclude(leaf_index=None).order_by("leaf_index"))


class HeldKeys:
    """A provider whose keys are in memory."""

    def __init__(self) -> None:
        self.held: dict[str, list[LocalSigner]] = {}
        self.add(SEAL)
        self.add(LOG)

    def add(self, purpose: str) -> LocalSigner:
        pem = generate_seal_key() if purpose == SEAL else generate_log_key()
        signer = LocalSigner.from_pem(pem, source="test")
        self.held.setdefault(purpose, []).insert(0, signer)
        return signer

    def signers(self, purpose: str) -> list[LocalSigner]:
        return self.held[purpose]


@contextmanager
def as_owner() -> Iterator[Any]:
    """The tables' owner with the triggers switched off: what an insider with the database can do."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("RESET session_replication_role")
