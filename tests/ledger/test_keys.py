"""Signing keys: made private, refused when they are not (T50)."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conductor.ledger.keys import keys
from conductor.ledger.keys.keys import EnvKeys, FileKeys, KeyUnavailable, LocalSigner, PublicKey, UnsupportedKey
from tests.harness import counterparts


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    FileKeys(tmp_path / "keys").create()
    return tmp_path / "keys"


def test_created_keys_are_private_and_load_again(directory: Path) -> None:
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(each.name for each in directory.iterdir()) == ["log.key.pem", "seal.key.pem"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()} == {0o600}
    assert FileKeys(directory).seal().public.details == keys.ECDSA_P256
    assert FileKeys(directory).log().public.details == keys.ED25519


def test_creating_again_keeps_the_keys(directory: Path) -> None:
    before = FileKeys(directory).seal().public, FileKeys(directory).log().public

    FileKeys(directory).create()

    assert (FileKeys(directory).seal().public, FileKeys(directory).log().public) == before


def test_processes_that_create_at_once_agree(tmp_path: Path) -> None:
    found: list[str] = []

    def create() -> None:
        FileKeys(tmp_path / "keys").create()
        found.append(FileKeys(tmp_path / "keys").seal().public.fingerprint)

    threads = [Thread(target=create) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert sorted(each.name for each in (tmp_path / "keys").iterdir()) == ["log.key.pem", "seal.key.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_touch_is_refused(directory: Path, mode: int) -> None:
    (directory / "seal.key.pem").chmod(mode)

    with pytest.raises(KeyUnavailable, match=r"open to other users; run: chmod 600 .*seal\.key\.pem"):
        FileKeys(directory).seal()


def test_a_directory_in_which_others_may_put_a_key_is_refused(directory: Path) -> None:
    directory.chmod(0o770)

    with pytest.raises(KeyUnavailable, match="chmod 700"):
        FileKeys(directory).log()


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=r"the signing key .*seal\.key\.pem is missing"):
        FileKeys(tmp_path).seal()


def test_something_else_in_the_key_s_place_is_named(directory: Path) -> None:
    path = directory / "log.key.pem"
    path.unlink()
    path.mkdir(mode=0o700)

    with pytest.raises(KeyUnavailable, match=r"log\.key\.pem cannot be read"):
        FileKeys(directory).log()


def test_keys_of_the_wrong_kind_are_refused(directory: Path) -> None:
    (directory / "log.key.pem").write_bytes((directory / "seal.key.pem").read_bytes())
    (directory / "seal.key.pem").write_bytes(b"not a key")

    with pytest.raises(KeyUnavailable, match="must be an Ed25519 key"):
        FileKeys(directory).log()
    with pytest.raises(KeyUnavailable, match="not an unencrypted private key"):
        FileKeys(directory).seal()


def test_an_rsa_key_and_another_curve_are_refused() -> None:
    unsupported = [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
    ]
    for key in unsupported:
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

        with pytest.raises(KeyUnavailable, match="the key"):
            LocalSigner.from_pem(pem, source="the key")
        with pytest.raises(UnsupportedKey):
            PublicKey.from_pem(public)


def test_keys_come_from_the_environment_too(directory: Path) -> None:
    seal, log = ((directory / f"{name}.key.pem").read_text() for name in ("seal", "log"))
    provider = EnvKeys({"CONDUCTOR_SEAL_KEY": seal.replace("\n", "\\n"), "CONDUCTOR_LOG_KEY": log})

    assert provider.signers(keys.SEAL)[0].public == FileKeys(directory).seal().public
    assert provider.signers(keys.LOG)[0].public == FileKeys(directory).log().public
    with pytest.raises(KeyUnavailable, match="CONDUCTOR_SEAL_KEY is not set"):
        EnvKeys({}).signers(keys.SEAL)
    with pytest.raises(KeyUnavailable, match="must be an Ed25519"):
        EnvKeys({"CONDUCTOR_LOG_KEY": seal}).signers(keys.LOG)


def test_the_next_key_stands_beside_the_present_one(directory: Path) -> None:
    present = FileKeys(directory).seal().public
    added = FileKeys(directory).add(keys.SEAL).public
    pems = {name: (directory / name).read_text() for name in ("seal.key.pem", "seal-2.key.pem")}
    environment = EnvKeys(
        {"CONDUCTOR_SEAL_KEY": pems["seal.key.pem"], "CONDUCTOR_SEAL_KEY_NEXT": pems["seal-2.key.pem"]}
    )

    assert [each.public for each in FileKeys(directory).signers(keys.SEAL)] == [added, present]
    assert [each.public for each in environment.signers(keys.SEAL)] == [added, present]
    assert stat.S_IMODE((directory / "seal-2.key.pem").stat().st_mode) == 0o600
    FileKeys(directory).create()
    assert len(FileKeys(directory).signers(keys.SEAL)) == 2


def test_a_fingerprint_is_what_openssl_computes(directory: Path) -> None:
    public = FileKeys(directory).log().public

    der = subprocess.run(
        [counterparts.need("openssl"), "pkey", "-pubin", "-outform", "DER"],
        input=public.pem.encode(),
        capture_output=True,
        check=True,
    ).stdout

    assert der == public.der
    assert public.fingerprint == hashlib.sha256(der).hexdigest()
    assert PublicKey.from_pem(public.pem) == public


def test_a_public_key_has_one_form_only(directory: Path) -> None:
    seal = FileKeys(directory).seal().public

    for damaged in (seal.der + b"\x00", seal.der[:-1], b"", b"\x30\x00"):
        with pytest.raises(UnsupportedKey):
            PublicKey(damaged)
    with pytest.raises(UnsupportedKey):
        PublicKey.from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(UnsupportedKey):
        _ = seal.raw


@pytest.mark.parametrize("name", ["seal", "log"])
def test_a_signature_holds_for_its_message_only(directory: Path, name: str) -> None:
    signer = getattr(FileKeys(directory), name)()
    signature = signer.sign(b"message")

    assert signer.public.verifies(message=b"message", signature=signature)
    assert not signer.public.verifies(message=b"messagf", signature=signature)
    assert not signer.public.verifies(message=b"message", signature=signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not signer.public.verifies(message=b"message", signature=b"")
