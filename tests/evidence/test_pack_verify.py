"""The verifier: it passes a good pack, and names the file for any changed byte, in a file or in the ZIP."""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.ledger.keys.keys import LocalSigner, generate_seal_key
from conductor.ledger.log import merkle
from conductor.lib.canonical import sha256_hex
from evidence.pack_format import verify
from evidence.pack_format.verify import Trust
from tests.evidence.judging import PINS, failures, judge, statuses
from tests.evidence.packing import LOG, SEAL, Ledger, Made, make_pack, repacked, unpacked

SCRIPT = Path(verify.__file__)


@pytest.fixture(scope="module")
def made() -> Made:
    return make_pack()


@pytest.fixture(scope="module")
def files(made: Made) -> dict[str, bytes]:
    return unpacked(made.data)


# --- a good pack ---


def test_a_good_pack_passes_every_check_when_the_keys_are_known(
    made: Made,
) -> None:
    report = judge(made.data)

    assert {name for name, status in statuses(report).items() if status != "pass"} == {"notary"}, report.to_text()
    assert report.verified
    assert report.files == []
    assert report.facts["seal key"] == f"sha256:{SEAL.public.fingerprint}"
    assert report.facts["log key"] == f"sha256:{LOG.public.fingerprint}"
    assert report.facts["log"].startswith(f"conductor.example/{made.ledger.tenant}, 21 entries, root ")
    assert report.to_text().splitlines()[-1] == "VERIFIED: 15 passed, 0 failed, 1 not checked"


@pytest.mark.fault("proof-7")
def test_without_known_keys_the_signer_is_unknown(made: Made) -> None:
    report = judge(made.data, None)

    assert (report.verified, report.consistent, report.verdict) == (False, True, "CONSISTENT, SIGNER UNKNOWN")
    assert {name for name, status in statuses(report).items() if status == "not checked"} == {
        "notary", "self-witness", "seal key", "log key",
    }  # fmt: skip
    assert "the cover" not in report.to_text()  # no cover prints a fingerprint


@pytest.mark.fault("proof-7")
@pytest.mark.parametrize("known", [Trust(seal_keys=PINS.seal_keys), Trust(log_keys=PINS.log_keys)])
def test_one_known_key_of_two_leaves_the_signer_unknown(made: Made, known: Trust) -> None:
    assert judge(made.data, known).verdict == "CONSISTENT, SIGNER UNKNOWN"


@pytest.mark.fault("proof-6")
def test_the_installations_own_key_is_no_notary(made: Made) -> None:
    report = judge(made.data, require=("notary",))

    assert statuses(report)["self-witness"] == "pass"
    assert failures(report) == {"notary"}
    assert "nobody outside the installation" in report.to_text()


def test_what_is_required_must_have_been_checked(
    made: Made,
) -> None:
    report = judge(made.data, None, require=("seal key", "container"))

    assert failures(report) == {"seal key"}
    assert not report.verified


def test_an_extracted_pack_passes_too(files: dict[str, bytes], tmp_path: Path) -> None:
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    report = verify.verify(str(tmp_path), trust=PINS)

    assert report.verified, report.to_text()
    assert statuses(report)["container"] == "not checked"


def test_a_pack_without_receipts_notary_or_artifacts_says_so() -> None:
    ledger = Ledger()
    made = make_pack(ledger=ledger, others=0, artifacts={}, notary_tokens=[], notary_key=None)

    report = judge(made.data)

    assert report.verified, report.to_text()
    assert statuses(report)["notary"] == "not checked"
    assert ("manifest", "0 artifacts are the ones that the bundle lists") in [
        (each.name, each.detail) for each in report.checks
    ]


def test_receipts_signed_by_an_older_key_pass_when_both_keys_are_known() -> None:
    old, new = LocalSigner.from_pem(generate_seal_key(), source="test"), SEAL
    ledger = Ledger(seal=old)
    for _ in range(2):
        ledger.add("incidents.incident.declared")
    ledger.seal = new
    made = make_pack(ledger=ledger, seal_keys=[new.public, old.public])
    both = Trust(seal_keys=frozenset({old.public.fingerprint, new.public.fingerprint}), log_keys=PINS.log_keys)

    assert judge(made.data, both).verified
    assert failures(judge(made.data, PINS)) == {"seal key"}


# --- one byte ---


def positions(length: int) -> list[int]:
    """The ends, the middle, and some in between: the same ones in each run."""
    some = random.Random(length).sample(range(length), min(3, length))
    return sorted({0, length // 2, length - 1, *some})


def test_one_changed_byte_in_any_file_is_found_and_the_file_named(
    made: Made,
    files: dict[str, bytes],
) -> None:
    """Hard mode: the forger has written a canonical ZIP around the changed file, so only its content tells."""
    for path, data in files.items():
        for position in positions(len(data)) if data else []:
            changed = bytearray(data)
            changed[position] ^= 0x01
            report = judge(repacked({**files, path: bytes(changed)}))

            assert not report.verified, (path, position)
            assert path in report.files, (path, position, report.to_text())
            assert path in report.to_text()


def test_a_changed_file_is_the_only_one_that_is_blamed(
    files: dict[str, bytes],
) -> None:
    """Whoever reads the report should not have to guess which of the named files is the damaged one."""
    for path in files:
        changed = files[path][:-2] + b"x" + files[path][-2:]
        report = judge(repacked({**files, path: changed}))

        signed_by_it = {"provenance/pack.dsse.json"} if path.startswith("trust/seal") else set()
        signed_by_it |= {"provenance/checkpoint.txt"} if path.startswith("trust/log") else set()
        assert path in report.files
        assert set(report.files) <= {path} | signed_by_it, report.to_text()


def test_one_changed_byte_in_the_zip_itself_is_found_and_its_entry_named(
    made: Made,
    files: dict[str, bytes],
) -> None:
    spans = verify.canonical_zip([(f"EVB-0017-pack-1/{path}".encode(), data) for path, data in files.items()])[1]
    # Every byte of one entry's two headers, and a sample of everything else.
    local, central = made.data.index(b"PK\3\4", 100), made.data.index(b"PK\1\2", len(made.data) // 2)
    offsets = {*range(local, local + 56), *range(central, central + 72, 3), *range(0, len(made.data), 1709)}
    for offset in sorted(offsets):
        changed = bytearray(made.data)
        changed[offset] ^= 0x04
        report = judge(bytes(changed))

        name = next(name for end, name in spans if offset < end).removeprefix("EVB-0017-pack-1/")
        assert "container" in failures(report), offset
        assert name in report.files, (offset, name, report.to_text())


def test_a_changed_byte_in_the_end_record_is_found(
    made: Made,
) -> None:
    for offset in range(len(made.data) - 22, len(made.data)):
        changed = bytearray(made.data)
        changed[offset] ^= 0x01
        report = judge(bytes(changed))

        assert "container" in failures(report), offset
        assert "the end of the ZIP is not canonical" in report.to_text()


def test_a_cut_off_or_extended_zip_is_found(
    made: Made,
) -> None:
    for length in (len(made.data) - 1, len(made.data) - 30, len(made.data) // 2, 3000):
        report = judge(made.data[:length])
        assert not report.verified
        assert "container" in failures(report)
    assert "container" in failures(judge(made.data + b"\n"))


# --- it agrees with the product ---


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.data())
def test_its_merkle_paths_are_those_of_the_ledger(size: int, data: st.DataObject) -> None:
    entries = [str(i).encode() for i in range(size)]
    leaves = [merkle.leaf_hash(each) for each in entries]
    index = data.draw(st.integers(0, size - 1))
    claimed = data.draw(st.integers(0, size))
    path = merkle.inclusion_proof(index=index, leaf_hashes=leaves)

    assert verify.root_of(entries[index], index, size, path) == merkle.root(leaves)
    if claimed != index:
        with suppress(verify.Malformed):
            assert verify.root_of(entries[index], claimed, size, path) != merkle.root(leaves)


def test_its_keys_are_those_of_the_ledger() -> None:
    for public in (SEAL.public, LOG.public):
        key = verify.read_key("x", public.pem.encode())
        assert (key.fingerprint, key.details) == (public.fingerprint, public.details)
    for pem in (b"", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", SEAL.public.pem.encode() + b"\n"):
        with pytest.raises(verify.Malformed):
            verify.read_key("x", pem)


def test_the_pack_brings_this_very_verifier(files: dict[str, bytes]) -> None:
    assert files["verify.py"] == SCRIPT.read_bytes()


def test_the_verifier_stands_alone() -> None:
    """Python 3.9's grammar, and nothing imported but the standard library."""
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }

    assert imported <= set(sys.stdlib_module_names)


# --- the command ---


def run(
    *arguments: str, cwd: Path, script: str | Path = SCRIPT, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}
    )


def test_the_copy_in_an_extracted_pack_verifies_it(made: Made, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(made.data)
    shutil.unpack_archive(tmp_path / "pack.zip", tmp_path)
    folder = tmp_path / "EVB-0017-pack-1"
    pins = [
        f"--seal-key-fingerprint=sha256:{SEAL.public.fingerprint}",
        f"--log-key-fingerprint={LOG.public.fingerprint}",
    ]

    good = run(".", *pins, cwd=folder, script="verify.py")
    zipped = run("../pack.zip", cwd=folder, script="verify.py", LC_ALL="C")
    (folder / "data" / "restore" / "übersicht.csv").write_bytes(b"tables;rows\nusers;999\n")
    bad = run(".", *pins, cwd=folder, script="verify.py")

    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[-1].startswith("VERIFIED")
    assert (zipped.returncode, zipped.stderr) == (3, "")
    assert zipped.stdout.splitlines()[-1].startswith("CONSISTENT, SIGNER UNKNOWN")
    assert bad.returncode == 1
    assert bad.stdout.splitlines()[-1] == (
        "NOT VERIFIED: 9 passed, 4 failed, 3 not checked; look at data/restore/übersicht.csv"
    )


def test_a_console_without_the_letters_of_a_name_shows_it_all_the_same(made: Made, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(made.data.replace(b"users;312", b"users;313"))
    command = [sys.executable, "-I", "-X", "utf8=0", str(SCRIPT), "pack.zip"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})

    assert done.returncode == 1
    assert b"look at data/restore/\\xfcbersicht.csv" in done.stdout


def test_its_report_can_be_read_by_programs(made: Made, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(made.data)

    done = run("pack.zip", "--json", "--require", "notary", cwd=tmp_path)

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["verdict"], report["verified"], report["files"]) == ("NOT VERIFIED", False, [])
    assert {each["name"]: each["status"] for each in report["checks"]}["notary"] == "fail"
    assert report["facts"]["sha256"] == sha256_hex(made.data)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.zip"], "cannot be read"),
        (["not.zip"], "not a ZIP archive"),
        (["empty"], "is empty"),
        (["pack.zip", "--openssl", "/no/such/openssl"], "cannot be run"),
        (["pack.zip", "--openssl", "/bin/true"], "OpenSSL 3 or later is needed"),
        (["pack.zip", "--tsa-root", "missing.pem"], "does not exist"),
        (["pack.zip", "--seal-key-fingerprint", "abc"], "is not a SHA-256 fingerprint"),
        ([], "required"),
    ],
)
def test_what_cannot_be_verified_is_told_apart_from_what_is_not_verified(
    made: Made, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    (tmp_path / "pack.zip").write_bytes(made.data)
    (tmp_path / "not.zip").write_bytes(b"%PDF-1.7")
    (tmp_path / "empty").mkdir()

    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert reason in done.stderr


# --- what is made to break it ---


def zip_of(count: int, *, body: bytes = b"x", offset: int | None = None) -> bytes:
    """A ZIP whose directory lists `count` entries, all at `offset` where one is given."""
    local = bytearray()
    central = bytearray()
    for number in range(count):
        name = b"EVB-0017-pack-1/%06d" % number
        at = len(local) if offset is None else offset
        if offset is None or not number:
            local += verify.LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, len(body), len(body), len(name), 0) + name + body
        sizes = (20, 0, 0, 0, 33, 0, len(body), len(body), len(name), 0)
        central += verify.CENTRAL.pack(b"PK\1\2", 0x314, *sizes, 0, 0, 0, 0o100644 << 16, at) + name
    listed = min(count, 0xFFFF)
    return bytes(local + central + verify.END.pack(b"PK\5\6", 0, 0, listed, listed, len(central), len(local), 0))


BOMBS = {
    "60,000 entries over one body of 2 MB": lambda: zip_of(60_000, body=b"x" * (2 << 20), offset=0),
    "9,000 entries over one body of 2 MB": lambda: zip_of(9_000, body=b"x" * (2 << 20), offset=0),
    "66,000 entries": lambda: zip_of(66_000),
    "70,000 entries": lambda: zip_of(70_000),
    "10,001 entries": lambda: zip_of(10_001),
    "an end record that points beyond the end": lambda: zip_of(2)[:-22] + b"PK\5\6" + b"\xff" * 18,
}


@pytest.mark.fault("proof-9")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_little_memory_and_without_a_traceback(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "pack.zip").write_bytes(BOMBS[bomb]())
    limited = ["sh", "-c", 'ulimit -v 400000 && exec "$0" "$@"', sys.executable, "-I", str(SCRIPT), "pack.zip"]

    done = subprocess.run(
        limited, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin"}
    )

    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "MemoryError" not in done.stderr


@pytest.mark.fault("proof-9")
@pytest.mark.parametrize(
    "document",
    [
        b"[" * 200_000,
        b'{"entries":' + b"9" * 20_000 + b"}",
        b" " * ((64 << 20) + 1),
        b"\xff\xfe",
        b"null",
        b'"\\ud800"',
    ],
    ids=["deep", "long number", "too large", "not UTF-8", "null", "lone surrogate"],
)
def test_a_document_of_any_shape_is_a_failure_and_names_its_file(files: dict[str, bytes], document: bytes) -> None:
    for path in ("provenance/pack.proof.json", "provenance/receipts/0001.dsse.json", "manifest.json"):
        report = judge(repacked({**files, path: document}))

        assert report.verdict == "NOT VERIFIED"
        assert path in report.files, report.to_text()


@pytest.mark.fault("proof-9")
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything")
def test_a_folder_with_an_unreadable_part_could_not_be_verified(files: dict[str, bytes], tmp_path: Path) -> None:
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    for each in [tmp_path, *tmp_path.parents]:
        if each.stat().st_uid == os.geteuid() and each != Path("/") and not each.stat().st_mode & 0o1:
            each.chmod(each.stat().st_mode | 0o55)
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    shutil.copy(SCRIPT, tmp_path.parent / "verify.py")
    (tmp_path.parent / "verify.py").chmod(0o644)
    for hidden in ("provenance/receipts", "manifest.json"):
        before = (tmp_path / hidden).stat().st_mode
        (tmp_path / hidden).chmod(0)
        python = "/usr/bin/python3" if drop else sys.executable
        if not Path(python).exists():
            pytest.skip("needs Debian's own python3, which every user may run")
        done = subprocess.run(
            [*drop, python, "-I", str(tmp_path.parent / "verify.py"), str(tmp_path)], capture_output=True, text=True
        )
        (tmp_path / hidden).chmod(before)

        assert done.returncode == 2, done.stdout + done.stderr
        assert "cannot be read: Permission denied" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.fault("proof-5")
def test_what_a_desktop_leaves_in_a_folder_is_explained(files: dict[str, bytes], tmp_path: Path) -> None:
    for path, data in {**files, ".DS_Store": b"", "data/._report.pdf": b"", "data/Thumbs.db": b""}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    report = verify.verify(str(tmp_path), trust=PINS)

    assert not report.verified
    assert ".DS_Store: is not part of the pack (macOS's Finder puts it there" in report.to_text()
    assert "data/._report.pdf: is not part of the pack (macOS's" in report.to_text()
    assert "data/Thumbs.db: is not part of the pack (Windows puts" in report.to_text()


@pytest.mark.fault("proof-9")
def test_a_missing_file_is_the_one_that_is_named(files: dict[str, bytes]) -> None:
    for path in files:
        report = judge(repacked({name: data for name, data in files.items() if name != path}))

        assert not report.verified, path
        assert path in report.files, report.to_text()
        assert "cannot be understood" not in report.to_text(), path
