"""T1 to T11: rows of the ledger changed by an insider who owns the database, and what still tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from conductor.ledger.export.sigstore import origin_of
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL, FileKeys
from conductor.ledger.keys.providers import provider
from conductor.ledger.log import checkpoint as notes
from conductor.ledger.log import merkle
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.verify.verification import verify_ledger
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.attacks.insider import change, edit_and_rehash, newest_note, restored, rewrite, saved
from tests.ledger.acts import HeldKeys, act, logged

pytestmark = pytest.mark.usefixtures("committed")
Faults = Callable[..., list[str]]


@pytest.fixture
def faults(tenant: Tenant) -> Faults:
    def run(*kept: str) -> list[str]:
        with tenant_scope(tenant.id):
            return verify_ledger(tenant_id=tenant.id, keyring=keyring(), kept=kept).faults

    return run


@pytest.fixture
def ledger(tenant: Tenant, now: datetime) -> Tenant:
    """Seven receipts in two batches."""
    logged(tenant, now, 4)
    logged(tenant, now + timedelta(minutes=1), 3)
    return tenant


def test_t1_an_edited_body_is_found(ledger: Tenant, faults: Faults) -> None:
    change("""UPDATE conductor_receipt SET body = '{"number": 99}' WHERE leaf_index = 2""")

    found = faults()
    assert len(found) == 2
    assert all(each.startswith("receipt 2 ") for each in found)
    assert any("the body was changed" in each for each in found)


def test_t2_an_edited_body_with_its_hash_is_found(ledger: Tenant, faults: Faults) -> None:
    edit_and_rehash(2, {"number": 99})

    (found,) = faults()
    assert found.startswith("receipt 2 ")
    assert "the row says something else than what was signed" in found


def test_t3_a_receipt_deleted_from_the_middle_is_found_also_after_renumbering(ledger: Tenant, faults: Faults) -> None:
    change("DELETE FROM conductor_receipt WHERE leaf_index = 2")
    assert any("a receipt is missing or was inserted" in each for each in faults())

    for index in range(3, 7):
        change("UPDATE conductor_receipt SET leaf_index = leaf_index - 1 WHERE leaf_index = %s", index)
    found = faults()
    assert any(each.startswith("checkpoint 4: the root does not follow") for each in found)
    assert any("its tail is missing" in each for each in found)


def test_t4_deleted_newest_receipts_are_found_and_without_their_checkpoints_by_one_kept_elsewhere(
    ledger: Tenant, faults: Faults
) -> None:
    note = newest_note(ledger)
    change("DELETE FROM conductor_receipt WHERE leaf_index >= 4")
    assert any("its tail is missing" in each for each in faults())

    change("DELETE FROM conductor_checkpoint WHERE tree_size > 4")
    change("UPDATE conductor_tile SET hashes = substring(hashes FROM 1 FOR 128)")
    assert faults() == []  # the limit: nothing in this database knows of what is gone
    assert faults(note) == ["kept checkpoint 7: the log has only 4 receipts; what came after them is gone"]


def test_t5_two_swapped_receipts_are_found(ledger: Tenant, faults: Faults) -> None:
    for old, new in ((1, 99), (2, 1), (99, 2)):
        change("UPDATE conductor_receipt SET leaf_index = %s WHERE leaf_index = %s", new, old)

    assert any(each.startswith("checkpoint 4: the root does not follow") for each in faults())


def test_t6_a_repeated_receipt_is_found(ledger: Tenant, faults: Faults) -> None:
    change(
        "INSERT INTO conductor_receipt SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),"
        " 'leaf_index', 7))).* FROM conductor_receipt r WHERE leaf_index = 6"
    )

    found = faults()
    assert any(each.startswith("receipt 7 ") and "says something else" in each for each in found)
    assert any("no checkpoint covers it" in each for each in found)


def test_t7_an_inserted_receipt_is_found(ledger: Tenant, faults: Faults) -> None:
    for index in range(6, 2, -1):
        change("UPDATE conductor_receipt SET leaf_index = leaf_index + 1 WHERE leaf_index = %s", index)
    change(
        "INSERT INTO conductor_receipt SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),"
        " 'leaf_index', 3, 'actor_name', 'Nobody'))).* FROM conductor_receipt r WHERE leaf_index = 4"
    )

    found = faults()
    assert any(each.startswith("receipt 3 ") for each in found)
    assert any(each.startswith("checkpoint 7: the root does not follow") for each in found)


def test_t8_an_older_database_is_found_by_a_checkpoint_kept_elsewhere_and_by_nothing_else(
    tenant: Tenant, now: datetime, faults: Faults
) -> None:
    logged(tenant, now, 3)
    dump = saved()
    logged(tenant, now + timedelta(hours=1), 2)
    note = newest_note(tenant)

    restored(dump)

    assert faults() == []  # the limit
    assert faults(note) == ["kept checkpoint 5: the log has only 3 receipts; what came after them is gone"]


def test_t9_a_ledger_rewritten_with_other_keys_is_not_signed_with_ours(ledger: Tenant, faults: Faults) -> None:
    note = newest_note(ledger)
    thief = HeldKeys()
    change("DELETE FROM conductor_signingkey")
    rewrite(ledger, thief)

    assert faults() == []  # consistent in itself: whose it is, the fingerprints tell
    told = keyring().strangers(FileKeys(provider().directory))  # type: ignore[attr-defined]
    assert len(told) == 2
    assert all("is not one that this installation holds" in each for each in told)
    assert any("not signed by" in each for each in faults(note))


def test_t10_a_ledger_rewritten_with_the_stolen_keys_is_found_only_by_a_checkpoint_kept_elsewhere(
    ledger: Tenant, faults: Faults
) -> None:
    note = newest_note(ledger)

    rewrite(ledger, provider())

    assert faults() == []  # the limit: a perfect forgery of everything after the last checkpoint that left
    assert faults(note) == ["kept checkpoint 7: states another root; the log was rewritten or forked"]


def test_t11_two_checkpoints_of_one_size_are_proof_of_a_fork(ledger: Tenant, faults: Faults) -> None:
    honest = newest_note(ledger)
    rewrite(ledger, provider())
    forked = newest_note(ledger)

    key = keyring().keys(LOG)[0]
    one, other = (notes.verify(note=each.encode(), origin=origin_of(ledger.id), key=key) for each in (honest, forked))
    assert (one.tree_size, other.tree_size) == (7, 7)
    assert one.root_hash != other.root_hash  # both signed by the log's key: whoever holds both can prove it
    assert faults(honest, forked) == ["kept checkpoint 7: states another root; the log was rewritten or forked"]


def test_t11_a_view_that_grew_apart_is_not_consistent(tenant: Tenant, now: datetime, faults: Faults) -> None:
    logged(tenant, now, 3)
    early = newest_note(tenant)
    rewrite(tenant, provider())
    logged(tenant, now + timedelta(hours=1), 2)
    with tenant_scope(tenant.id):
        leaves = [bytes.fromhex(each.leaf_hash or "") for each in Receipt.objects.order_by("leaf_index")]
    key = keyring().keys(LOG)[0]
    old = notes.verify(note=early.encode(), origin=origin_of(tenant.id), key=key)

    with pytest.raises(merkle.ProofRefused, match="another old root"):
        merkle.verify_consistency(
            size1=3,
            size2=5,
            root1=old.root_hash,
            root2=merkle.root(leaves),
            proof=merkle.consistency_proof(size1=3, leaf_hashes=leaves),
        )
    assert any("rewritten or forked" in each for each in faults(early))


def test_t35_a_clock_that_jumps_back_does_not_turn_back_the_log(tenant: Tenant, now: datetime, faults: Faults) -> None:
    logged(tenant, now, 2)
    act(tenant, now - timedelta(days=1))
    assert sequence(tenant_id=tenant.id, now=now - timedelta(days=1)) == 1

    with tenant_scope(tenant.id):
        times = list(Receipt.objects.order_by("leaf_index").values_list("sequenced_at", flat=True))
    assert times == sorted(times)
    assert faults() == []
    assert keyring().of(SEAL)
