"""VERIFY.md: its commands are run as they stand, on a good pack and on damaged ones."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conductor.ledger.keys import LocalSigner, generate_log_key
from evidence.packs.layout import NotaryToken
from tests.evidence.packing import ARTIFACTS, LOG, SEAL, Ledger, bundle_manifest, make_pack, unpacked
from tests.evidence.timestamping import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def files(authority: Authority) -> dict[str, bytes]:
    request, response = authority.stamp(bundle_manifest(ARTIFACTS))
    token = NotaryToken("tsa-1", response, request=request, attested_at=datetime.now(UTC))
    return unpacked(make_pack(notary_tokens=[token], notary_key=None).data)


def follow(files: dict[str, bytes], folder: Path, *, tsa_root: Path) -> subprocess.CompletedProcess[str]:
    """Run every command of the pack's VERIFY.md, in one shell, in the extracted pack."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    blocks = re.findall(r"^```sh\n(.*?)^```$", files["VERIFY.md"].decode(), re.MULTILINE | re.DOTALL)
    script = "set -eu\n" + "\n".join(blocks) + '\nrm -r "$W"\n'
    environment = {"PATH": "/usr/bin:/bin", "TSA_ROOT": str(tsa_root)}
    return subprocess.run(["sh"], cwd=folder, input=script, capture_output=True, text=True, env=environment)


def test_the_commands_pass_a_good_pack(files: dict[str, bytes], tmp_path: Path, authority: Authority) -> None:
    done = follow(files, tmp_path, tsa_root=authority.root)

    assert done.returncode == 0, done.stderr
    assert f"{SEAL.public.fingerprint}  -" in done.stdout
    assert f"{LOG.public.fingerprint}  -" in done.stdout
    assert "Verified OK" in done.stdout
    assert "Signature Verified Successfully" in done.stdout
    assert "the log contains it" in done.stdout
    assert "Verification: OK" in done.stdout


@pytest.mark.parametrize("others", [0, 1, 5, 12, 60])
def test_the_commands_follow_paths_of_any_shape(tmp_path: Path, others: int, authority: Authority) -> None:
    made = make_pack(others=others)

    done = follow(unpacked(made.data), tmp_path, tsa_root=authority.root)

    assert done.returncode == 0, done.stderr
    assert "the log contains it" in done.stdout


def test_the_commands_know_an_ed25519_seal_key(tmp_path: Path, authority: Authority) -> None:
    ledger = Ledger(seal=LocalSigner.from_pem(generate_log_key(), source="test"))

    done = follow(unpacked(make_pack(ledger=ledger).data), tmp_path, tsa_root=authority.root)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Signature Verified Successfully") == 2


def test_the_commands_refuse_every_damaged_file(files: dict[str, bytes], tmp_path: Path, authority: Authority) -> None:
    for number, path in enumerate(each for each in files if files[each]):
        data = bytearray(files[path])
        data[len(data) // 2] ^= 0x01

        done = follow({**files, path: bytes(data)}, tmp_path / str(number), tsa_root=authority.root)

        assert done.returncode != 0, path


def test_the_commands_refuse_an_added_and_a_missing_file(
    files: dict[str, bytes], tmp_path: Path, authority: Authority
) -> None:
    added = follow({**files, "data/extra": b""}, tmp_path / "added", tsa_root=authority.root)
    missing = follow(
        {path: data for path, data in files.items() if path != "data/report.pdf"},
        tmp_path / "missing",
        tsa_root=authority.root,
    )

    assert added.returncode != 0
    assert "data/extra" in added.stdout
    assert missing.returncode != 0
    assert "data/report.pdf" in missing.stderr


def test_the_text_names_the_pack_and_the_keys(files: dict[str, bytes]) -> None:
    text = files["VERIFY.md"].decode()

    assert "EVB-0017-pack-1: Backup and restore, November" in text
    assert f"seal key   sha256:{SEAL.public.fingerprint}" in text
    assert f"log key    sha256:{LOG.public.fingerprint}" in text
    assert "$" not in re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL)
