"""Receipts are written with their act, numbered once, and proven."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.utils import ProgrammingError

from conductor.ledger import selectors
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log import merkle
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Checkpoint, Receipt
from conductor.ledger.receipts import append
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import as_owner


def _act(tenant: Tenant, now: datetime, *, subject: str = "incidents.incident:1", body: dict | None = None) -> Receipt:
    with tenant_scope(tenant.id):
        return append(
            tenant_id=tenant.id,
            action="tests.thing.done",
            subject=subject,
            actor=Actor.system(),
            body=body or {"note": "é", "n": 1},
            now=now,
        )


@pytest.mark.usefixtures("committed")
def test_a_receipt_outside_a_transaction_is_refused(tenant: Tenant, now: datetime) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        append(tenant_id=tenant.id, action="a.b.c", subject="x:1", actor=Actor.system(), now=now)


def test_a_rolled_back_act_leaves_no_receipt(tenant: Tenant, scope: None, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _act(tenant, now)
        _ = 1 / 0

    assert Receipt.objects.count() == 0


def test_sequencing_numbers_signs_and_proves(tenant: Tenant, now: datetime) -> None:
    receipts = [_act(tenant, now + timedelta(seconds=n)) for n in range(5)]

    assert sequence(tenant_id=tenant.id, now=now) == 5

    with tenant_scope(tenant.id):
        numbered = list(Receipt.objects.order_by("leaf_index"))
        assert [each.id for each in numbered] == [each.id for each in receipts]
        assert [each.leaf_index for each in numbered] == [0, 1, 2, 3, 4]
        for proof in selectors.inclusion_proofs(receipts=numbered):
            merkle.verify_inclusion(
                leaf=bytes.fromhex(proof.leaf_hash),
                index=proof.leaf_index,
                size=proof.tree_size,
                proof=[bytes.fromhex(each) for each in proof.hashes],
                root_hash=bytes.fromhex(proof.root_hash),
            )
        assert verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults == []


def test_the_log_grows_over_several_batches(tenant: Tenant, now: datetime) -> None:
    for n in range(3):
        _act(tenant, now + timedelta(seconds=n))
        assert sequence(tenant_id=tenant.id, now=now) == 1
    assert sequence(tenant_id=tenant.id, now=now) == 0

    with tenant_scope(tenant.id):
        assert list(Checkpoint.objects.order_by("tree_size").values_list("tree_size", flat=True)) == [1, 2, 3]
        report = verify_ledger(tenant_id=tenant.id, keyring=keyring())
    assert (report.receipts, report.checkpoints, report.faults) == (3, 3, [])


def test_checkpoints_prove_that_they_extend_one_another(tenant: Tenant, now: datetime) -> None:
    for n, count in enumerate((3, 5, 260)):
        for m in range(count):
            _act(tenant, now + timedelta(seconds=1000 * n + m))
        sequence(tenant_id=tenant.id, now=now)

    with tenant_scope(tenant.id):
        small, middle, large = Checkpoint.objects.order_by("tree_size")
        for old, new in ((small, middle), (small, large), (middle, large), (large, large)):
            proof = selectors.consistency_proof(old=old, new=new)
            merkle.verify_consistency(
                size1=proof.old_size,
                size2=proof.new_size,
                root1=bytes.fromhex(old.root_hash),
                root2=bytes.fromhex(new.root_hash),
                proof=[bytes.fromhex(each) for each in proof.hashes],
            )
        receipt = Receipt.objects.get(leaf_index=4)
        assert selectors.inclusion_proof(receipt=receipt, checkpoint=middle).tree_size == 8
        with pytest.raises(selectors.NotYetSequenced):
            selectors.inclusion_proof(receipt=receipt, checkpoint=small)
        with pytest.raises(Invalid):
            selectors.consistency_proof(old=large, new=small)
        with pytest.raises(selectors.CheckpointUnknown):
            selectors.checkpoint_of(4)


def test_a_damaged_tile_is_named_and_laid_anew(committed: None, tenant: Tenant, now: datetime) -> None:
    for n in range(3):
        _act(tenant, now + timedelta(seconds=n))
    sequence(tenant_id=tenant.id, now=now)
    with as_owner() as cursor:
        cursor.execute("UPDATE conductor_tile SET hashes = sha256('') || sha256('') || sha256('')")

    with tenant_scope(tenant.id):
        faults = verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults
    assert faults == ["tile 0/0: is not what follows from the receipts (manage.py rebuild_tiles)"]
    call_command("rebuild_tiles", tenant="northwind")
    _act(tenant, now)
    sequence(tenant_id=tenant.id, now=now)
    with tenant_scope(tenant.id):
        assert verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults == []


def test_an_unsequenced_receipt_has_no_proof_yet(tenant: Tenant, scope: None, now: datetime) -> None:
    with pytest.raises(selectors.NotYetSequenced):
        selectors.inclusion_proof(receipt=_act(tenant, now))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conductor_receipt SET body = '{}'",
        "UPDATE conductor_receipt SET action = 'x.y.z'",
        "DELETE FROM conductor_receipt",
        "TRUNCATE conductor_receipt CASCADE",
        "UPDATE conductor_checkpoint SET note = ''",
        "DELETE FROM conductor_checkpoint",
    ],
)
def test_the_database_refuses_to_change_the_ledger(tenant: Tenant, scope: None, now: datetime, statement: str) -> None:
    _act(tenant, now)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_number_is_given_once(tenant: Tenant, scope: None, now: datetime) -> None:
    _act(tenant, now)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(ProgrammingError, match="numbered once"), transaction.atomic():
        Receipt.objects.update(leaf_index=7)


def test_verification_names_a_receipt_that_the_owner_changed(committed: None, tenant: Tenant, now: datetime) -> None:
    """The owner may switch triggers off; the signature still tells."""
    for n in range(3):
        _act(tenant, now + timedelta(seconds=n))
    sequence(tenant_id=tenant.id, now=now)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE conductor_receipt SET actor_name = 'Nobody' WHERE leaf_index = 1")
        cursor.execute("DELETE FROM conductor_receipt WHERE leaf_index = 2")

    with tenant_scope(tenant.id):
        faults = verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults

    assert any(fault.startswith("receipt 1 ") and "something else" in fault for fault in faults)
    assert any("tail is missing" in fault for fault in faults)


def test_two_sequencers_and_many_writers_leave_no_gap(committed: None, tenant: Tenant, now: datetime) -> None:
    def write(n: int) -> None:
        try:
            _act(tenant, now, subject=f"incidents.incident:{n}")
        finally:
            connection.close()

    def run_sequencer(_n: int) -> None:
        try:
            for _ in range(10):
                sequence(tenant_id=tenant.id, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: job[0](job[1]), [(write, n) for n in range(60)] + [(run_sequencer, 0)] * 2))
    sequence(tenant_id=tenant.id, now=now)

    with tenant_scope(tenant.id):
        indexes = list(Receipt.objects.order_by("leaf_index").values_list("leaf_index", flat=True))
        assert indexes == list(range(60))
        assert verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults == []


def test_each_tenant_has_a_log_of_its_own(
    tenant: Tenant, other_tenant: Tenant, now: datetime, actor: Callable[..., Actor]
) -> None:
    _act(tenant, now)
    _act(other_tenant, now)
    sequence(tenant_id=tenant.id, now=now)

    with tenant_scope(other_tenant.id):
        assert Receipt.objects.filter(leaf_index=None).count() == 1
        assert Checkpoint.objects.count() == 0
