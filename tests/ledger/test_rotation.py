"""Keys are replaced in the open, old receipts stay good, and a key that is out of force is no key (T46 to T50)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from conductor.ledger.keys import dsse, keyring
from conductor.ledger.keys.keys import LOG, SEAL, FileKeys, KeyUnavailable
from conductor.ledger.keys.rotation import AlreadyCompromised, KeyWasUsed, declare_compromised, rotate_key
from conductor.ledger.log import sequencer
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Checkpoint, Receipt, SigningKey
from conductor.ledger.verify.verification import verify_ledger
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import HeldKeys, act, as_owner, logged

HOUR = timedelta(hours=1)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldKeys:
    keys = HeldKeys()
    monkeypatch.setattr(sequencer, "provider", lambda: keys)
    return keys


@pytest.fixture
def rotate(held: HeldKeys) -> Callable[..., SigningKey]:
    def run(purpose: str, now: datetime) -> SigningKey:
        return rotate_key(purpose=purpose, new=held.add(purpose), provider=held, actor=Actor.system(), now=now)

    return run


def faults(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return verify_ledger(tenant_id=tenant.id, keyring=keyring.keyring()).faults


def keyids(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        envelopes = Receipt.objects.exclude(leaf_index=None).order_by("leaf_index").values_list("envelope", flat=True)
        return [each["signatures"][0]["keyid"] for each in envelopes]


def test_old_receipts_and_checkpoints_verify_after_both_keys_were_replaced(
    tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    logged(tenant, now, 3)
    first = held.signers(SEAL)[0].public.fingerprint
    rotate(SEAL, now + HOUR)
    rotate(LOG, now + HOUR)
    act(tenant, now + 2 * HOUR)
    assert sequence(tenant_id=tenant.id, now=now + 2 * HOUR) == 3
    second = held.signers(SEAL)[0].public.fingerprint

    assert keyids(tenant) == [first] * 3 + [second] * 3
    assert faults(tenant) == []
    ring = keyring.keyring()
    assert [each.key.fingerprint for each in ring.of(SEAL)] == [first, second]
    assert ring.strangers(held) == []


def test_the_rotation_is_a_receipt_in_every_log_and_both_keys_signed_it(
    tenant: Tenant, other_tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    logged(tenant, now, 1)
    row = rotate(SEAL, now + HOUR)

    new, old = (each.public for each in held.signers(SEAL))
    for each in (tenant, other_tenant):
        sequence(tenant_id=each.id, now=now + HOUR)
        with tenant_scope(each.id):
            receipt = Receipt.objects.get(action="ledger.key.rotated")
            assert receipt.subject == f"conductor.signing_key:{row.id}"
            assert receipt.body["new"] == f"sha256:{new.fingerprint}"
            said = dsse.verify(envelope=dsse.Envelope.from_dict(receipt.body["endorsement"]), keys=[old, new])
            assert new.fingerprint.encode() in said
        assert faults(each) == []


def test_nothing_is_signed_with_a_key_that_was_put_in_the_old_ones_place(
    tenant: Tenant, now: datetime, held: HeldKeys
) -> None:
    logged(tenant, now, 1)
    held.held[SEAL].clear()
    held.add(SEAL)
    act(tenant, now + HOUR)

    with pytest.raises(keyring.KeyNotInForce, match="is not among those at hand"):
        sequence(tenant_id=tenant.id, now=now + HOUR)
    assert len(keyids(tenant)) == 1


def test_a_replaced_key_never_comes_back(
    tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    logged(tenant, now, 1)
    first = held.signers(SEAL)[0]
    rotate(SEAL, now + HOUR)

    with pytest.raises(KeyWasUsed):
        rotate_key(purpose=SEAL, new=first, provider=held, actor=Actor.system(), now=now + 2 * HOUR)


def test_a_rotation_waits_for_the_batch_that_is_being_signed(
    committed: None, tenant: Tenant, now: datetime, held: HeldKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T46: the batch is signed with one key to its end, although its time is later than the rotation's."""
    signing, go_on = Event(), Event()
    number = sequencer._number

    def slowly(*given: object) -> None:
        signing.set()
        assert go_on.wait(20)
        number(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sequencer, "_number", slowly)
    for _ in range(3):
        act(tenant, now)
    new = held.add(SEAL)

    def run(job: Callable[[], object]) -> object:
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        batch = pool.submit(run, lambda: sequence(tenant_id=tenant.id, now=now + HOUR))
        assert signing.wait(20)
        rotation = pool.submit(
            run, lambda: rotate_key(purpose=SEAL, new=new, provider=held, actor=Actor.system(), now=now)
        )
        assert not rotation.done()
        go_on.set()
        assert batch.result(20) == 3
        row = rotation.result(20)

    assert isinstance(row, SigningKey)
    assert row.valid_from == now + HOUR
    assert sequence(tenant_id=tenant.id, now=now) == 1  # a clock that is behind does not turn the log's time back
    assert len(set(keyids(tenant)[:3])) == 1
    assert keyids(tenant)[3] == new.public.fingerprint
    assert faults(tenant) == []


def test_a_signature_outside_its_keys_time_is_found(
    committed: None, tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    """T48: by the row's time, and by the place in the log if the row's time was made to fit."""
    logged(tenant, now, 2)
    old = held.signers(SEAL)[0]
    rotate(SEAL, now + HOUR)
    act(tenant, now + 2 * HOUR)
    sequence(tenant_id=tenant.id, now=now + 2 * HOUR)
    act(tenant, now + 3 * HOUR)
    held.held[SEAL].insert(0, old)
    end = "UPDATE conductor_signingkey SET valid_to = %s WHERE purpose = 'SEAL' AND number = %s"
    with as_owner() as cursor:  # an insider puts the old key in force once more, and covers it up
        cursor.execute(end, [now + 3 * HOUR, 2])
        cursor.execute(end, [None, 1])
    sequence(tenant_id=tenant.id, now=now + 3 * HOUR)
    with as_owner() as cursor:
        cursor.execute(end, [now + HOUR, 1])
        cursor.execute(end, [None, 2])

    found = faults(tenant)
    assert any(each.startswith("receipt 4 ") and "was replaced at" in each for each in found)
    with as_owner() as cursor:
        cursor.execute("UPDATE conductor_receipt SET sequenced_at = %s WHERE leaf_index = 4", [now])
    found = faults(tenant)
    assert any(each.startswith("receipt 4 ") and "recorded after its key had been replaced" in each for each in found)
    assert any(each.startswith("receipt 4 ") and "an earlier entry shows" in each for each in found)


def test_what_a_compromised_key_signed_is_believed_up_to_the_cut_off(
    tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    """T49."""
    logged(tenant, now, 2)
    act(tenant, now + HOUR)
    sequence(tenant_id=tenant.id, now=now + HOUR)
    stolen = SigningKey.objects.get(purpose=SEAL)

    declare_compromised(key=stolen, moment=now + HOUR, reason="laptop lost", actor=Actor.system(), now=now + 2 * HOUR)

    with pytest.raises(keyring.KeyNotInForce, match="compromised"):
        sequence(tenant_id=tenant.id, now=now + 2 * HOUR)
    rotate(SEAL, now + 2 * HOUR)
    sequence(tenant_id=tenant.id, now=now + 2 * HOUR)
    found = faults(tenant)
    assert len(found) == 1
    assert found[0].startswith("receipt 2 ")
    assert "declared compromised" in found[0]
    with pytest.raises(AlreadyCompromised):
        declare_compromised(key=stolen, moment=now, reason="again", actor=Actor.system(), now=now + 3 * HOUR)


def test_a_key_that_its_predecessor_did_not_endorse_is_named(
    committed: None, tenant: Tenant, now: datetime, held: HeldKeys, rotate: Callable[..., SigningKey]
) -> None:
    logged(tenant, now, 1)
    rotate(SEAL, now + HOUR)
    stranger = HeldKeys().signers(SEAL)[0].public
    with as_owner() as cursor:
        cursor.execute(
            "UPDATE conductor_signingkey SET public_key = %s, fingerprint_digest = %s WHERE number = 2",
            [stranger.pem, stranger.fingerprint],
        )

    assert any(each.startswith("seal key 2: a signature is by an unknown key") for each in faults(tenant))
    assert keyring.keyring().strangers(held) == []  # key 2 is not believed at all, so key 1 is still the last


def test_a_ledger_under_other_keys_than_ours_is_told(tenant: Tenant, now: datetime, held: HeldKeys) -> None:
    """T9: it is consistent in itself, but whose is it?"""
    logged(tenant, now, 1)

    told = keyring.keyring().strangers(HeldKeys())

    assert [each.split()[1] for each in told] == ["seal", "log"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conductor_signingkey SET valid_to = now() WHERE number = 1",
        "UPDATE conductor_signingkey SET compromised_from = now() WHERE number = 1",
        "UPDATE conductor_signingkey SET public_key = '' WHERE number = 1",
        "DELETE FROM conductor_signingkey",
        "TRUNCATE conductor_signingkey",
    ],
)
def test_the_database_keeps_a_key_as_it_was(
    tenant: Tenant, now: datetime, rotate: Callable[..., SigningKey], statement: str
) -> None:
    logged(tenant, now, 1)
    rotate(SEAL, now + HOUR)
    declare_compromised(
        key=SigningKey.objects.get(purpose=SEAL, number=1), moment=now, reason="r", actor=Actor.system(), now=now
    )

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_one_key_is_in_force_at_a_time(tenant: Tenant, now: datetime, held: HeldKeys) -> None:
    logged(tenant, now, 1)
    second = held.add(SEAL).public

    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(
            purpose=SEAL,
            number=2,
            valid_from=now,
            endorsement={},
            fingerprint_digest=second.fingerprint,
            public_key=second.pem,
        )


def test_the_command_rotates_and_says_which_fingerprint_to_publish(
    committed: None, tenant: Tenant, now: datetime, tmp_path: object, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    keys = FileKeys(str(tmp_path))
    keys.create()
    for module in ("conductor.ledger.log.sequencer", "conductor.management.commands.rotate_key"):
        monkeypatch.setattr(f"{module}.provider", lambda: keys)
    logged(tenant, now, 1)

    call_command("rotate_key", "seal")

    new, old = (each.public.fingerprint for each in keys.signers(SEAL))
    assert f"sha256:{new}" in capsys.readouterr().out
    call_command("rotate_key", "seal", compromised=f"sha256:{old}", since="2026-11-20T10:00:00Z", reason="lost")
    assert "counts as compromised from 2026-11-20T10:00:00" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Name a key"):
        call_command("rotate_key", "seal", compromised="0" * 64, since="2026-11-20T10:00:00Z", reason="lost")
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(action__startswith="ledger.key.").count() == 2
        assert Checkpoint.objects.count() == 1


def test_without_its_key_file_the_sequencer_refuses(
    tenant: Tenant, now: datetime, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T50: nothing is signed, nothing is lost."""
    monkeypatch.setattr(sequencer, "provider", lambda: FileKeys(f"{tmp_path}/nowhere"))
    act(tenant, now)

    with pytest.raises(KeyUnavailable, match="missing"):
        sequence(tenant_id=tenant.id, now=now)
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(leaf_index=None).count() == 1
