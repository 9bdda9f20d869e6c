"""Forged packs: whatever a forger makes fit, the verifier finds what does not (T12, T13, T16 to T23)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from conductor.ledger.keys.keys import LocalSigner, generate_log_key, generate_seal_key
from conductor.ledger.log import merkle
from conductor.lib.canonical import canonical_json
from evidence.pack_format import verify
from tests.evidence.judging import PINS, failures, judge
from tests.evidence.packing import (
    ARTIFACTS,
    SEAL,
    Ledger,
    Made,
    bundle_manifest,
    local_token,
    make_pack,
    rebagged,
    repacked,
    unpacked,
)  # fmt: skip

ATTACKER_SEAL = LocalSigner.from_pem(generate_seal_key(), source="test")
ATTACKER_LOG = LocalSigner.from_pem(generate_log_key(), source="test")


@pytest.fixture(scope="module")
def made() -> Made:
    return make_pack()


@pytest.fixture(scope="module")
def files(made: Made) -> dict[str, bytes]:
    return unpacked(made.data)


def test_swapped_artifacts_are_named_even_with_fitting_manifests(
    files: dict[str, bytes],
) -> None:
    one, two = "data/restore/log.txt", "data/restore/source_manifest.json"

    report = judge(repacked(rebagged({**files, one: files[two], two: files[one]})))

    assert {one, two} <= set(report.files)
    assert "content" in failures(report)


@pytest.mark.parametrize("path", ["data/extra.csv", "provenance/extra.json", "provenance/receipts/0003.dsse.json", "x"])
def test_an_added_file_is_named_even_with_fitting_manifests(files: dict[str, bytes], path: str) -> None:
    report = judge(repacked(rebagged({**files, path: b"{}"})))

    assert path in report.files
    assert "coverage" in failures(report)


def test_a_removed_file_is_named_even_with_fitting_manifests(
    files: dict[str, bytes],
) -> None:
    for path in files:
        left = {name: data for name, data in files.items() if name != path}
        report = judge(repacked(rebagged(left) if "manifest-sha256" not in path else left))

        assert path in report.files, report.to_text()


def test_a_forged_artifact_is_named_even_if_every_unsigned_list_was_made_to_fit(
    files: dict[str, bytes],
) -> None:
    forged = {**ARTIFACTS, "restore/log.txt": b"restored in 1 s\n"}
    changed = {**files, "data/restore/log.txt": b"restored in 1 s\n", "manifest.json": bundle_manifest(forged)}

    report = judge(repacked(rebagged(changed)))

    assert {"data/restore/log.txt", "manifest.json"} <= set(report.files)
    assert {"content", "seal"} <= failures(report)


@pytest.mark.parametrize("parts", ["provenance/pack.", "provenance/receipts/", "provenance/", "data/", "manifest"])
def test_parts_of_another_pack_of_the_same_tenant_do_not_fit(made: Made, files: dict[str, bytes], parts: str) -> None:
    other = unpacked(make_pack(ledger=made.ledger, artifacts={**ARTIFACTS, "restore/log.txt": b"other"}).data)
    mixed = {**files, **{path: data for path, data in other.items() if path.startswith(parts)}}

    report = judge(repacked(rebagged(mixed)))

    assert not report.verified
    assert report.files


def test_an_attacker_s_own_pack_passes_only_if_nobody_compares_keys() -> None:
    forged = make_pack(ledger=Ledger(seal=ATTACKER_SEAL, log=ATTACKER_LOG)).data

    assert judge(forged, None).verdict == "CONSISTENT, SIGNER UNKNOWN"
    report = judge(forged)

    assert failures(report) == {"seal key", "log key"}
    assert report.files == ["trust/log.pub.pem", "trust/seal.pub.pem"]


def test_replacing_the_keys_in_a_pack_breaks_it_even_without_known_keys(
    files: dict[str, bytes],
) -> None:
    replaced = {
        **files,
        "trust/seal.pub.pem": ATTACKER_SEAL.public.pem.encode(),
        "trust/log.pub.pem": ATTACKER_LOG.public.pem.encode(),
    }

    report = judge(repacked(rebagged(replaced)), None)

    assert {"envelope", "checkpoint"} <= failures(report)


def test_a_pack_logged_in_another_tenant_s_log_is_refused(made: Made) -> None:
    foreign = Ledger(tenant=UUID(int=99))
    foreign.leaves = list(made.ledger.leaves)
    renamed = {**unpacked(made.data), "provenance/checkpoint.txt": foreign.note().encode()}

    report = judge(repacked(rebagged(renamed)))

    assert "checkpoint" in failures(report)
    assert "which is not that of the tenant" in report.to_text()


def test_a_renamed_pack_is_refused(
    files: dict[str, bytes],
) -> None:
    report = judge(repacked(files, base="EVB-0018-pack-1"))

    assert failures(report) == {"bag"}
    assert "External-Identifier is not EVB-0018-pack-1" in report.to_text()


def test_a_pack_of_another_format_is_not_misread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "FORMAT", "2")
    data = make_pack().data
    monkeypatch.undo()

    report = judge(data)

    assert failures(report) == {"bag"}
    assert "Conductor-Pack-Format is not 1" in report.to_text()


def test_unsafe_and_clashing_names_in_a_folder_or_zip_are_named(files: dict[str, bytes], tmp_path: Path) -> None:
    entries = [(f"EVB-0017-pack-1/{path}".encode(), data) for path, data in files.items()]
    for name in (b"../../evil", b"EVB-0017-pack-1/VERIFY.MD", b"EVB-0017-pack-1/verify.py", b"\xff\xfe", b"a\x1b[2J"):
        report = judge(verify.canonical_zip([*entries, (name, b"")])[0])
        assert "paths" in failures(report), name
        assert report.to_text().isprintable() or "\x1b" not in report.to_text()
    for path, data in files.items():
        (tmp_path / "x" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / path).write_bytes(data)
    (tmp_path / "x" / "data" / "link").symlink_to("/etc/passwd")

    report = verify.verify(str(tmp_path / "x"), trust=PINS)

    assert failures(report) == {"paths"}
    assert report.files == ["data/link"]


def rewritten(files: dict[str, bytes], path: str, change: Callable[[Any], Any]) -> bytes:
    value = json.loads(files[path])
    change(value)
    return repacked(rebagged({**files, path: canonical_json(value)}))


ENVELOPE, PROOF = "provenance/pack.dsse.json", "provenance/pack.proof.json"

FORGED_ENVELOPES: dict[str, Callable[[Any], Any]] = {
    "signed twice": lambda e: e["signatures"].append(e["signatures"][0]),
    "not signed": lambda e: e.update(signatures=[]),
    "another key's name": lambda e: e["signatures"][0].update(keyid=ATTACKER_SEAL.public.fingerprint),
    "another payload type": lambda e: e.update(payloadType="application/json"),
    "a field too many": lambda e: e.update(extra="x"),
    "a certificate": lambda e: e["signatures"][0].update(cert="x"),
    "another payload": lambda e: e.update(payload=base64.b64encode(b"{}").decode()),
    "urlsafe base64": lambda e: e.update(payload=e["payload"].replace("+", "-").replace("/", "_") + "-"),
}


@pytest.mark.parametrize("forge", FORGED_ENVELOPES.values(), ids=FORGED_ENVELOPES)
@pytest.mark.parametrize("path", [ENVELOPE, "provenance/receipts/0002.dsse.json"])
def test_a_forged_envelope_is_named(files: dict[str, bytes], path: str, forge: Callable[[Any], Any]) -> None:
    report = judge(rewritten(files, path, forge))

    assert path in report.files
    assert {"envelope", "receipts"} & failures(report)


FORGED_PROOFS: dict[str, Callable[[Any], Any]] = {
    "another index": lambda p: p["entries"][0].update(logIndex="18"),
    "an index beyond the log": lambda p: p["entries"][0].update(logIndex="21"),
    "a number as index": lambda p: p["entries"][0].update(logIndex=19),
    "a padded index": lambda p: p["entries"][0].update(logIndex="019"),
    "a shorter path": lambda p: p["entries"][0]["hashes"].pop(),
    "a longer path": lambda p: p["entries"][0]["hashes"].append(p["entries"][0]["hashes"][0]),
    "a short hash": lambda p: p["entries"][0]["hashes"].__setitem__(0, "AAAA"),
    "a path that is no list": lambda p: p["entries"][0].update(hashes="AAAA"),
    "another entry": lambda p: p["entries"][0].update(canonicalizedBody=p["entries"][1]["canonicalizedBody"]),
    "receipts exchanged": lambda p: p["entries"].reverse(),
    "a receipt left out": lambda p: p["entries"].pop(),
    "nothing": lambda p: p.update(entries=[]),
    "no list": lambda p: p.update(entries=7),
}


@pytest.mark.parametrize("forge", FORGED_PROOFS.values(), ids=FORGED_PROOFS)
def test_a_forged_inclusion_proof_is_named(files: dict[str, bytes], forge: Callable[[Any], Any]) -> None:
    report = judge(rewritten(files, PROOF, forge))

    assert failures(report) == {"inclusion"}
    assert report.files == [PROOF]


def test_json_that_could_be_read_in_two_ways_is_refused(
    files: dict[str, bytes],
) -> None:
    proof = files[PROOF]
    variants = [
        proof + b"\n",
        proof.replace(b"{", b"{ ", 1),
        proof.replace(b'{"entries"', b'{"entries":[],"entries"', 1),
        b"\xef\xbb\xbf" + proof,
        b'{"entries":NaN}',
        b'{"entries":"\\ud800"}',
        b"[" * 100_000,
        b"",
    ]

    for changed in variants:
        report = judge(repacked(rebagged({**files, PROOF: changed})))
        assert report.files == [PROOF], changed[:30]


def test_the_log_at_another_size_or_by_another_signer_is_refused(
    made: Made,
    files: dict[str, bytes],
) -> None:
    note = files["provenance/checkpoint.txt"]
    grown = Ledger(leaves=[*made.ledger.leaves, merkle.leaf_hash(b"more")]).note().encode()
    forked = Ledger(leaves=made.ledger.leaves[::-1]).note().encode()
    variants = {
        "checkpoint": [
            note.replace(b"\n21\n", b"\n22\n"),
            note + note.split(b"\n\n")[1],
            note.replace(b"\n", b"\r\n"),
            note + b"\n",
            Ledger(leaves=made.ledger.leaves, log=ATTACKER_LOG).note().encode(),
        ],
        "inclusion": [grown, forked],
    }

    for failing, notes in variants.items():
        for changed in notes:
            report = judge(repacked(rebagged({**files, "provenance/checkpoint.txt": changed})))
            assert failing in failures(report), report.to_text()


def test_a_signed_statement_of_the_wrong_shape_is_refused(
    made: Made,
) -> None:
    """Even the holder of the seal key cannot pass off something else as a pack's receipt."""
    files = unpacked(made.data)
    real = json.loads(base64.b64decode(json.loads(files[ENVELOPE])["payload"]))
    predicate = real["predicate"]
    variants: list[tuple[dict[str, Any], str]] = [
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "envelope"),
        ({"predicateType": "https://example.com/other/v1"}, "envelope"),
        ({"predicate": {**predicate, "action": "evidence.bundle.sealed"}}, "envelope"),
        ({"predicate": {**predicate, "tenant": None}}, "envelope"),
        ({"subject": []}, "envelope"),
        ({"subject": real["subject"] * 2}, "envelope"),
        ({"subject": [{**real["subject"][0], "digest": {"md5": "0"}}]}, "envelope"),
        ({"subject": real["subject"][1:]}, "coverage"),
        ({"subject": [*real["subject"], {"name": PROOF, "digest": {"sha256": "0" * 64}}]}, "coverage"),
    ]

    for changes, failing in variants:
        payload = canonical_json({**real, **changes})
        message = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
        forged = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"keyid": SEAL.public.fingerprint, "sig": base64.b64encode(SEAL.sign(message)).decode()}],
        }
        report = judge(repacked(rebagged({**files, ENVELOPE: canonical_json(forged)})))
        assert failing in failures(report), (changes, report.to_text())
        assert ENVELOPE in report.files or failing == "coverage"


def test_a_manifest_that_was_not_the_one_sealed_is_named() -> None:
    other = bundle_manifest({**ARTIFACTS, "restore/log.txt": b"x"})
    made = make_pack(manifest=other, notary_tokens=[local_token(other)])

    report = judge(made.data)

    assert {"seal", "manifest"} <= failures(report)
    assert "manifest.json" in report.files


def test_a_notary_s_word_on_something_else_is_refused() -> None:
    other = make_pack(notary_tokens=[local_token(b"another manifest")])
    stranger = make_pack(
        notary_tokens=[local_token(bundle_manifest(ARTIFACTS), signer=ATTACKER_LOG)], notary_key=ATTACKER_LOG.public
    )
    keyless = make_pack(notary_key=None)

    for made in (other, stranger, keyless):
        report = judge(made.data)
        assert failures(report) == {"self-witness"}
        assert report.files == ["provenance/notary/local-1.dsse.json"]
