"""Keys that stay where they are: Vault's transit engine (a double of it) and a PKCS#11 module (SoftHSM, `full`)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conductor.ledger.keys import pkcs11_keys, providers, vault
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import ECDSA_P256, ED25519, LOG, SEAL, EnvKeys, FileKeys, KeyUnavailable
from conductor.ledger.keys.rotation import candidate, rotate_key
from conductor.ledger.keys.vault import HttpVault, VaultKeys
from conductor.ledger.log import sequencer
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.verify.verification import verify_ledger
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.harness import counterparts
from tests.ledger.acts import act, logged
from tests.ledger.vault_double import TOKEN, VaultDouble

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
HOUR = timedelta(hours=1)


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    double = VaultDouble()
    double.rotate("conductor-seal", "ecdsa-p256")
    double.rotate("conductor-log", "ed25519")
    with double.served():
        yield double


@pytest.fixture
def vault_keys(double: VaultDouble) -> VaultKeys:
    return VaultKeys(HttpVault(address=double.url, token=TOKEN))


def rotated_and_verified(keys: Any, tenant: Tenant, now: datetime) -> list[str]:
    """Log two receipts, put the newest seal key in force, log two more; return the ledger's faults."""
    logged(tenant, now, 2)
    new = candidate(purpose=SEAL, provider=keys)
    rotate_key(purpose=SEAL, new=new, provider=keys, actor=Actor.system(), now=now + HOUR)
    act(tenant, now + HOUR)
    assert sequence(tenant_id=tenant.id, now=now + HOUR) == 2
    with tenant_scope(tenant.id):
        return verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults


# Vault -------------------------------------------------------------------------------------------
def test_vault_signs_both_kinds_and_the_signatures_hold(vault_keys: VaultKeys) -> None:
    for purpose, details in ((SEAL, ECDSA_P256), (LOG, ED25519)):
        (signer,) = vault_keys.signers(purpose)
        assert signer.public.details == details
        assert signer.public.verifies(message=b"message", signature=signer.sign(b"message"))


def test_the_versions_of_a_transit_key_are_our_keys_newest_first(double: VaultDouble, vault_keys: VaultKeys) -> None:
    double.rotate("conductor-seal", "ecdsa-p256")
    known = [each.public for each in reversed(double.keys["conductor-seal"])]

    assert [each.public for each in vault_keys.signers(SEAL)] == known
    double.min_encryption_version = 2
    assert [each.public for each in vault_keys.signers(SEAL)] == known[:1]


def test_a_ledger_is_signed_by_vault_across_a_rotation(
    double: VaultDouble, vault_keys: VaultKeys, tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "provider", lambda: vault_keys)
    logged(tenant, now, 1)
    double.rotate("conductor-seal", "ecdsa-p256")

    assert rotated_and_verified(vault_keys, tenant, now) == []
    assert not any("private" in str(body) for _, _, body in double.asked)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((403, b"{}"), "answers 403"),
        ((503, b"sealed"), "answers 503"),
        ((200, b"<html>login</html>"), "not one of Vault's"),
        ((200, b'{"data":null}'), "not one of Vault's"),
        ((200, b'{"data":{"type":"rsa-2048","keys":{"1":{"public_key":"x"}}}}'), "neither ECDSA"),
        ((200, b'{"data":{"type":"ed25519","keys":{}}}'), "holds no version"),
    ],
)
def test_what_vault_does_not_give_is_named(
    double: VaultDouble, vault_keys: VaultKeys, answer: tuple[int, bytes], why: str
) -> None:
    double.answer = answer

    with pytest.raises(KeyUnavailable, match=why):
        vault_keys.signers(SEAL)


def test_a_signature_by_another_key_is_refused(double: VaultDouble, vault_keys: VaultKeys) -> None:
    (signer,) = vault_keys.signers(SEAL)

    double.forge = True
    with pytest.raises(KeyUnavailable, match="by another key"):
        signer.sign(b"message")
    double.forge, double.answer = False, (200, b'{"data":{"signature":"nonsense"}}')
    with pytest.raises(KeyUnavailable, match="not in Vault's form"):
        signer.sign(b"message")


def test_a_vault_that_is_gone_leaves_receipts_pending(
    double: VaultDouble, vault_keys: VaultKeys, tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "provider", lambda: VaultKeys(HttpVault(address="http://127.0.0.1:9", token="t")))
    act(tenant, now)
    with pytest.raises(KeyUnavailable, match="does not answer"):
        sequence(tenant_id=tenant.id, now=now)

    monkeypatch.setattr(sequencer, "provider", lambda: vault_keys)
    assert sequence(tenant_id=tenant.id, now=now) == 1


def test_the_log_key_in_vault_must_be_ed25519(double: VaultDouble, vault_keys: VaultKeys) -> None:
    double.keys["conductor-log"] = double.keys["conductor-seal"]

    with pytest.raises(KeyUnavailable, match="must be an Ed25519 key"):
        vault_keys.signers(LOG)


def test_the_token_is_read_anew_for_each_call(double: VaultDouble, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    keys = VaultKeys(HttpVault(address=double.url, token_file=str(token)))
    with pytest.raises(KeyUnavailable, match="403"):
        keys.signers(SEAL)

    token.write_text(f"{TOKEN}\n")
    assert keys.signers(SEAL)
    token.unlink()
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        keys.signers(SEAL)


# Which provider ----------------------------------------------------------------------------------
def test_the_setting_chooses_the_provider(double: VaultDouble, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", double.url)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    chosen = {
        "file": FileKeys,
        "env": EnvKeys,
        "vault": VaultKeys,
        "conductor.ledger.keys.keys.EnvKeys": EnvKeys,
    }
    for name, kind in chosen.items():
        settings.CONDUCTOR_KEY_PROVIDER = name
        assert isinstance(providers.provider.__wrapped__(), kind), name
    settings.CONDUCTOR_KEY_PROVIDER = "nowhere.to.be.found"
    with pytest.raises(KeyUnavailable, match="cannot be loaded"):
        providers.provider.__wrapped__()
    for address, why in (("", "not set"), ("ftp://vault", "not an address")):
        monkeypatch.setenv("VAULT_ADDR", address)
        with pytest.raises(KeyUnavailable, match=why):
            vault.from_environment()


# PKCS#11 -----------------------------------------------------------------------------------------
@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A SoftHSM token with two seal keys and a log key, made by its own and by OpenSC's tools or by the library."""
    counterparts.need("softhsm2-util")
    if not SOFTHSM.exists():
        pytest.skip(f"SoftHSM's library is not at {SOFTHSM}, where Debian puts it")
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (extra pkcs11)")
    folder = tmp_path / "tokens"
    folder.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {folder}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    init = ["--init-token", "--free", "--label", "conductor", "--so-pin", "1234", "--pin", "5678"]
    subprocess.run(["softhsm2-util", *init], check=True, capture_output=True, env=dict(os.environ))
    library = pkcs11.lib(str(SOFTHSM))
    library.reinitialize()
    ecparams = pkcs11.util.ec.encode_named_curve_parameters
    with library.get_token(token_label="conductor").open(user_pin="5678", rw=True) as session:
        for label in ("conductor-seal", "conductor-seal-2", "something-else"):
            _generate(session, pkcs11.KeyType.EC, ecparams("secp256r1"), label)
        edwards = (
            pkcs11.util.ec.encode_edwards_curve_parameters("edwards25519")
            if hasattr(pkcs11.util.ec, "encode_edwards_curve_parameters")
            else bytes.fromhex("130c656477617264733235353139")
        )
        _generate(session, pkcs11.KeyType.EC_EDWARDS, edwards, "conductor-log")
    pin = tmp_path / "pin"
    pin.write_text("5678\n")
    monkeypatch.setenv("CONDUCTOR_PKCS11_MODULE", str(SOFTHSM))
    monkeypatch.setenv("CONDUCTOR_PKCS11_TOKEN", "conductor")
    monkeypatch.setenv("CONDUCTOR_PKCS11_PIN_FILE", str(pin))
    return "conductor"


def _generate(session: Any, kind: Any, parameters: bytes, label: str) -> None:
    from pkcs11 import Attribute

    domain = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: parameters}, local=True)
    domain.generate_keypair(store=True, label=label, id=label.encode())


@pytest.mark.full
def test_a_hardware_module_signs_the_ledger_across_a_rotation(
    token: str, tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:

    keys = pkcs11_keys.from_environment()
    newest, oldest = keys.signers(SEAL)
    assert newest.public != oldest.public
    for purpose, details in ((SEAL, ECDSA_P256), (LOG, ED25519)):
        signer = keys.signers(purpose)[0]
        assert signer.public.details == details
        assert signer.public.verifies(message=b"message", signature=signer.sign(b"message"))
    monkeypatch.setattr(sequencer, "provider", lambda: keys)

    assert rotated_and_verified(keys, tenant, now) == []
    assert [each.key for each in keyring().of(SEAL)] == [oldest.public, newest.public]

    monkeypatch.setenv("CONDUCTOR_PKCS11_TOKEN", "another")
    with pytest.raises(KeyUnavailable, match="cannot be opened"):
        pkcs11_keys.from_environment()
    monkeypatch.setenv("CONDUCTOR_SEAL_KEY_NAME", "nothing")
    monkeypatch.setenv("CONDUCTOR_PKCS11_TOKEN", token)
    keys._labels = {SEAL: "nothing"}
    with pytest.raises(KeyUnavailable, match="no private key labelled nothing"):
        keys.signers(SEAL)
