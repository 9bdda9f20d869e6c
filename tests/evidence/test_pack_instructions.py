"""VERIFY.md: its commands are run as they stand, on a good pack and on damaged ones."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conductor.ledger.keys.keys import LocalSigner, generate_log_key, generate_seal_key
from conductor.lib.canonical import canonical_json
from evidence.pack_format import layout
from evidence.pack_format.assembly import assemble
from evidence.pack_format.layout import NotaryToken
from tests.evidence.packing import ARTIFACTS, LOG, SEAL, Ledger, bundle_manifest, make_pack, rebagged, unpacked
from tests.evidence.timestamping import Authority
from tests.harness import counterparts


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def files(authority: Authority) -> dict[str, bytes]:
    request, response = authority.stamp(bundle_manifest(ARTIFACTS))
    token = NotaryToken("tsa-1", response, request=request, attested_at=datetime.now(UTC))
    return unpacked(make_pack(notary_tokens=[token], notary_key=None).data)


SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash", "--norc"],
    "bash, pasted": ["bash", "--norc", "-i"],
    "zsh": ["zsh", "-f"],
    "zsh, pasted": ["zsh", "-f", "-i"],
}
"""Name -> command. Pasted: an interactive shell, which in zsh knows no comments."""


def follow(
    files: dict[str, bytes], folder: Path, *, tsa_root: Path, shell: str = "dash", stop: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run every command of the pack's VERIFY.md as printed, in one shell, in the extracted pack."""
    if SHELLS[shell][0] == "zsh":
        counterparts.need("zsh")
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    blocks = re.findall(r"^```sh\n(.*?)^```$", files["VERIFY.md"].decode(), re.MULTILINE | re.DOTALL)
    script = "\n".join(blocks) + "exit\n"
    environment = {"PATH": "/usr/bin:/bin", "TSA_ROOT": str(tsa_root), "HOME": str(folder.parent), "PS1": "", "PS2": ""}
    return subprocess.run(
        SHELLS[shell], cwd=folder, input=script, capture_output=True, text=True, env=environment, start_new_session=True
    )


def steps(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """Return (OK or FAIL, step) of what was printed."""
    return re.findall(r"^(OK|FAIL) +(\d .*)$", done.stdout, re.MULTILINE)


def failed(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [step for word, step in steps(done) if word == "FAIL"]


@pytest.mark.fault("proof-5")
@pytest.mark.parametrize("shell", SHELLS)
def test_each_step_says_ok_for_a_good_pack_in_every_shell(
    files: dict[str, bytes], tmp_path: Path, authority: Authority, shell: str
) -> None:
    done = follow(files, tmp_path, tsa_root=authority.root, shell=shell)

    assert failed(done) == [], done.stdout + done.stderr
    assert {int(step[0]) for _, step in steps(done)} == {1, 2, 3, 4, 5, 6, 7}
    assert "ALL OK" in done.stdout.splitlines()
    assert done.returncode == 0
    receipts = [path for path in files if path.endswith(".dsse.json") and "notary" not in path]
    assert len([step for _, step in steps(done) if step.startswith("6 the log contains")]) == len(receipts) > 1


@pytest.mark.parametrize("others", [0, 1, 5, 12, 60])
def test_the_commands_follow_paths_of_any_shape(tmp_path: Path, others: int, authority: Authority) -> None:
    made = make_pack(others=others)

    done = follow(unpacked(made.data), tmp_path, tsa_root=authority.root)

    assert failed(done) == [], done.stdout + done.stderr
    assert "ALL OK" in done.stdout


@pytest.mark.fault("proof-5")
def test_the_commands_know_keys_that_were_replaced(tmp_path: Path, authority: Authority) -> None:
    old = LocalSigner.from_pem(generate_seal_key(), source="test")
    ledger = Ledger(seal=old)
    ledger.add("incidents.incident.declared")
    ledger.seal = SEAL
    made = make_pack(ledger=ledger, seal_keys=[SEAL.public, old.public])

    done = follow(unpacked(made.data), tmp_path, tsa_root=authority.root)

    assert failed(done) == [], done.stdout + done.stderr
    assert len([step for _, step in steps(done) if "is a key that you named" in step]) == 2


@pytest.mark.fault("proof-5")
def test_a_proof_of_another_receipt_fails_its_step(
    files: dict[str, bytes], tmp_path: Path, authority: Authority
) -> None:
    """The forger fits the bag to it, so that only the log's proof is wrong."""
    proof = json.loads(files["provenance/pack.proof.json"])
    proof["entries"][0] = {**proof["entries"][1], "envelope": "provenance/pack.dsse.json"}
    forged = rebagged({**files, "provenance/pack.proof.json": canonical_json(proof)})

    done = follow(forged, tmp_path, tsa_root=authority.root)

    assert failed(done) == ["6 the log contains provenance/pack.dsse.json"], done.stdout
    assert done.returncode != 0
    assert "ALL OK" not in done.stdout


@pytest.mark.fault("proof-5")
def test_another_bundle_under_the_same_receipts_fails_its_step(tmp_path: Path, authority: Authority) -> None:
    """The pack's own receipt is the forger's and good; the seal is of another manifest."""
    ledger = Ledger()
    made = make_pack(ledger=ledger)
    other = bundle_manifest({**ARTIFACTS, "restore/log.txt": b"nothing was restored\n"})
    contents = replace(made.contents, manifest=other, notary_tokens=[], notary_key=None)
    own = ledger.add("evidence.pack.generated", files=layout.subjects(layout.pack_files(contents)))
    behind = [ledger.sequenced(each) for each in (17, 18)]
    data = assemble(contents=contents, pack=ledger.sequenced(own), receipts=behind, note=ledger.note())

    done = follow(unpacked(data), tmp_path, tsa_root=authority.root)

    assert "4 the bundle is the one that was sealed" in failed(done), done.stdout
    assert not [step for step in failed(done) if step[0] != "4"], done.stdout


@pytest.mark.fault("proof-7")
def test_other_fingerprints_than_those_of_the_pack_fail(
    files: dict[str, bytes], tmp_path: Path, authority: Authority
) -> None:
    text = files["VERIFY.md"].decode().replace(f'SEAL="{SEAL.public.fingerprint}"', f'SEAL="{"0" * 64}"')

    done = follow({**files, "VERIFY.md": text.encode()}, tmp_path, tsa_root=authority.root)

    assert "2 trust/seal.pub.pem is a key that you named" in failed(done)


def test_the_commands_know_an_ed25519_seal_key(tmp_path: Path, authority: Authority) -> None:
    ledger = Ledger(seal=LocalSigner.from_pem(generate_log_key(), source="test"))

    done = follow(unpacked(make_pack(ledger=ledger).data), tmp_path, tsa_root=authority.root)

    assert failed(done) == [], done.stdout + done.stderr


def test_the_commands_refuse_every_damaged_file(files: dict[str, bytes], tmp_path: Path, authority: Authority) -> None:
    for number, path in enumerate(each for each in files if files[each]):
        data = bytearray(files[path])
        data[len(data) // 2] ^= 0x01

        done = follow({**files, path: bytes(data)}, tmp_path / str(number), tsa_root=authority.root)

        assert done.returncode != 0, path
        assert failed(done), path


def test_the_commands_refuse_an_added_and_a_missing_file(
    files: dict[str, bytes], tmp_path: Path, authority: Authority
) -> None:
    added = follow({**files, "data/extra": b""}, tmp_path / "added", tsa_root=authority.root)
    missing = follow(
        {path: data for path, data in files.items() if path != "data/report.pdf"},
        tmp_path / "missing",
        tsa_root=authority.root,
    )

    assert "3 there is no other file" in failed(added)
    assert "data/extra" in added.stdout
    assert "1 every file of data/ has its digest" in failed(missing)
    assert "data/report.pdf" in missing.stderr


def test_the_text_names_the_pack_and_the_keys(files: dict[str, bytes]) -> None:
    text = files["VERIFY.md"].decode()

    assert "EVB-0017-pack-1: Backup and restore, November" in text
    assert f"seal key   sha256:{SEAL.public.fingerprint}" in text
    assert f"log key    sha256:{LOG.public.fingerprint}" in text
    assert "$" not in re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL)
