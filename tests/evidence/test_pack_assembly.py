"""Making a pack: the same contents give the same bytes, and nothing leaves that would not verify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conductor.ledger.keys.keys import LocalSigner, generate_log_key, generate_seal_key
from evidence.pack_format import layout, verify
from evidence.pack_format.assembly import assemble
from evidence.pack_format.layout import NotaryToken, PackContents, PackRefused
from tests.evidence.packing import NOW, Ledger, Made, contents_of, make_pack, unpacked


@pytest.fixture
def parts() -> dict[str, Any]:
    """Arguments of `assemble` that fit together."""
    ledger = Ledger()
    before = ledger.add("conductor.run.succeeded")
    contents = contents_of(ledger, [before])
    own = ledger.add("evidence.pack.generated", files=layout.subjects(layout.pack_files(contents)))
    return {
        "contents": contents,
        "pack": ledger.sequenced(own),
        "receipts": [ledger.sequenced(before)],
        "note": ledger.note(),
    }


def test_the_same_arguments_give_the_same_bytes(parts: dict[str, Any]) -> None:
    assert assemble(**parts) == assemble(**parts)


def test_a_pack_has_the_files_that_the_layout_names() -> None:
    files = unpacked(make_pack().data)

    assert sorted(files) == sorted(
        [
            "VERIFY.md",
            "bag-info.txt",
            "bagit.txt",
            "data/report.pdf",
            "data/restore/empty.txt",
            "data/restore/log.txt",
            "data/restore/source_manifest.json",
            "data/restore/übersicht.csv",
            "manifest-sha256.txt",
            "manifest.json",
            "provenance/checkpoint.txt",
            "provenance/notary/local-1.dsse.json",
            "provenance/pack.dsse.json",
            "provenance/pack.proof.json",
            "provenance/receipts/0001.dsse.json",
            "provenance/receipts/0002.dsse.json",
            "tagmanifest-sha256.txt",
            "trust/log.pub.pem",
            "trust/notary.pub.pem",
            "trust/seal.pub.pem",
            "verify.py",
        ]
    )
    assert files["bag-info.txt"].decode() == (
        "Source-Organization: Northwind\n"
        "External-Identifier: EVB-0017-pack-1\n"
        "External-Description: Backup and restore, November\n"
        "Bagging-Date: 2026-11-20\n"
        "Payload-Oxum: 127.5\n"
        "Bag-Software-Agent: Maestro Conductor\n"
        "Conductor-Pack-Format: 1\n"
    )


def test_the_subjects_are_every_file_that_exists_before_the_signature() -> None:
    made = make_pack()

    names = {each["name"] for each in layout.subjects(layout.pack_files(made.contents))}

    assert names == set(unpacked(made.data)) - verify.DEPENDENT


def test_a_title_cannot_break_out_of_its_line() -> None:
    files = layout.pack_files(replace(make_pack().contents, title="One\nExternal-Identifier: other\r\n# Heading"))

    assert files["bag-info.txt"].decode().count("\nExternal-Identifier: ") == 1
    assert "\n# Heading" not in files["VERIFY.md"].decode()


BAD_CONTENTS: dict[str, Callable[[PackContents], PackContents]] = {
    "a name with a slash": lambda c: replace(c, name="a/b"),
    "an empty name": lambda c: replace(c, name=""),
    "a path that climbs": lambda c: replace(c, artifacts={"../x": b""}),
    "an absolute path": lambda c: replace(c, artifacts={"/x": b""}),
    "paths that clash": lambda c: replace(c, artifacts={"x": b"", "X": b""}),
    "the report's place taken": lambda c: replace(c, artifacts={"report.pdf": b""}),
    "a token's name that climbs": lambda c: replace(c, notary_tokens=[NotaryToken("../x", b"")]),
    "tokens of one name": lambda c: replace(c, notary_tokens=[NotaryToken("x", b""), NotaryToken("x", b"1")]),
    "no seal key": lambda c: replace(c, seal_keys=[]),
}


@pytest.mark.parametrize("change", BAD_CONTENTS.values(), ids=BAD_CONTENTS)
def test_contents_that_cannot_be_a_pack_are_refused(change: Callable[[PackContents], PackContents]) -> None:
    with pytest.raises(PackRefused):
        layout.pack_files(change(make_pack().contents))


def _other_key() -> LocalSigner:
    return LocalSigner.from_pem(generate_seal_key(), source="test")


MISFITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "contents that changed": lambda p: p.update(contents=replace(p["contents"], report=b"other")),
    "contents with another name": lambda p: p.update(contents=replace(p["contents"], name="EVB-0018")),
    "another seal key": lambda p: p.update(contents=replace(p["contents"], seal_keys=[_other_key().public])),
    "another log key": lambda p: p.update(
        contents=replace(p["contents"], log_key=LocalSigner.from_pem(generate_log_key(), source="test").public)
    ),
    "another receipt": lambda p: p.update(pack=p["receipts"][0]),
    "a receipt missing": lambda p: p.update(receipts=[]),
    "another receipt's proof": lambda p: p.update(pack=replace(p["pack"], proof=p["receipts"][0].proof)),
    "another index": lambda p: p.update(pack=replace(p["pack"], leaf_index=0)),
    "a hash that is none": lambda p: p.update(pack=replace(p["pack"], proof=["zz"])),
    "an older checkpoint": lambda p: p.update(note=make_pack(others=0).ledger.note()),
    "a checkpoint with junk": lambda p: p.update(note=p["note"] + "junk"),
}


@pytest.mark.parametrize("spoil", MISFITS.values(), ids=MISFITS)
def test_parts_that_do_not_fit_together_are_refused(
    parts: dict[str, Any], spoil: Callable[[dict[str, Any]], Any]
) -> None:
    spoil(parts)

    with pytest.raises(PackRefused):
        assemble(**parts)


def test_a_receipt_signed_by_a_key_that_is_not_in_the_pack_is_refused(parts: dict[str, Any]) -> None:
    ledger = Ledger(seal=_other_key())
    foreign = ledger.add("conductor.run.succeeded")
    own = Ledger()
    contents = contents_of(own, [])
    contents = replace(contents, receipts=[ledger.envelopes[foreign].to_dict()])
    number = own.add("evidence.pack.generated", files=layout.subjects(layout.pack_files(contents)))

    with pytest.raises(PackRefused, match="no key"):
        assemble(contents=contents, pack=own.sequenced(number), receipts=[ledger.sequenced(foreign)], note=own.note())


def test_a_receipt_of_another_act_is_not_a_pack_s(parts: dict[str, Any]) -> None:
    ledger = Ledger()
    contents = contents_of(ledger, [])
    number = ledger.add("evidence.bundle.sealed", files=layout.subjects(layout.pack_files(contents)))

    with pytest.raises(PackRefused, match=r"one of evidence\.bundle\.sealed"):
        assemble(contents=contents, pack=ledger.sequenced(number), receipts=[], note=ledger.note())


def test_an_rfc_3161_token_travels_with_its_request(parts: dict[str, Any]) -> None:
    token = NotaryToken("tsa-1", b"response", request=b"request", attested_at=NOW)

    files = layout.pack_files(replace(parts["contents"], notary_tokens=[token], notary_key=None))

    assert (files["provenance/notary/tsa-1.tsr"], files["provenance/notary/tsa-1.tsq"]) == (b"response", b"request")
    assert f"-attime {int(NOW.timestamp())}" in files["VERIFY.md"].decode()


def test_a_made_pack_is_what_make_pack_says_it_is() -> None:
    made: Made = make_pack()

    assert unpacked(made.data)["manifest.json"] == made.contents.manifest
