"""Checkpoints: vectors of other implementations, and forgeries (T12, T13)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conductor.ledger.keys.keys import LocalSigner, PublicKey
from conductor.ledger.log import checkpoint
from conductor.ledger.log.checkpoint import Checkpoint, CheckpointRefused
from tests.ledger.signers import LOG, OTHER_LOG

NOTES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "notes.json").read_text())
TENANT = UUID("0192f0c1-0000-7000-8000-000000000001")
ORIGIN = checkpoint.origin_of(log_name="log.example", tenant_id=TENANT)
STATE = Checkpoint(ORIGIN, 23, bytes(range(32)))
DASH = "\u2014"


def public_key(verifier: str) -> PublicKey:
    raw = base64.b64decode(verifier.split("+", 2)[2])[1:]
    key = Ed25519PublicKey.from_public_bytes(raw)
    return PublicKey(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture
def note() -> str:
    return checkpoint.sign(checkpoint=STATE, signer=LOG)


def refused(note: str | bytes, *, origin: str = ORIGIN, key: PublicKey = LOG.public) -> str:
    data = note.encode() if isinstance(note, str) else note
    with pytest.raises(CheckpointRefused) as refusal:
        checkpoint.verify(note=data, origin=origin, key=key)
    return str(refusal.value)


@pytest.mark.parametrize("vector", NOTES, ids=lambda each: each["verifier"].split("+")[0])
def test_notes_of_other_implementations_verify(vector: dict[str, Any]) -> None:
    name, _, _ = vector["verifier"].split("+", 2)
    key = public_key(vector["verifier"])
    note = vector["text"] + "\n" + "".join(vector["lines"])

    assert checkpoint.verifier_key(name=name, key=key) == vector["verifier"]
    assert checkpoint.verify_note(note=note.encode(), name=name, key=key) == vector["text"]
    with pytest.raises(CheckpointRefused, match="is wrong"):
        checkpoint.verify_note(note=note.replace("t", "d", 1).encode(), name=name, key=key)


def test_our_signature_is_the_one_that_go_s_note_package_makes() -> None:
    vector = NOTES[0]
    seed = base64.b64decode(vector["signer"].split("+", 4)[4])[1:]
    signer = LocalSigner(Ed25519PrivateKey.from_private_bytes(seed))

    note = checkpoint.sign_note(text=vector["text"], name="PeterNeumann", signer=signer)

    assert note == vector["text"] + "\n" + vector["lines"][0]


def test_a_checkpoint_survives_signing_and_verifying(note: str) -> None:
    assert note.startswith(f"{ORIGIN}\n23\n{base64.b64encode(bytes(range(32))).decode()}\n\n{DASH} {ORIGIN} ")
    assert checkpoint.verify(note=note.encode(), origin=ORIGIN, key=LOG.public) == STATE


def test_a_witness_may_add_its_signature(note: str) -> None:
    cosigned = note + checkpoint.sign_note(text=STATE.text, name="witness.example", signer=OTHER_LOG).split("\n\n")[1]

    assert checkpoint.verify(note=cosigned.encode(), origin=ORIGIN, key=LOG.public) == STATE


def test_a_checkpoint_of_another_log_is_refused(note: str) -> None:
    other = checkpoint.origin_of(log_name="log.example", tenant_id=UUID(int=7))
    renamed = checkpoint.sign_note(text=STATE.text, name=other, signer=LOG)

    assert "not signed by" in refused(note, origin=other)
    assert "instead of" in refused(renamed, origin=other)


def test_a_checkpoint_signed_by_another_key_only_is_refused(note: str) -> None:
    assert "not signed by" in refused(note, key=OTHER_LOG.public)
    forged = checkpoint.sign(checkpoint=STATE, signer=OTHER_LOG)
    assert "not signed by" in refused(forged)
    line = forged.split("\n\n")[1].split(" ")[2]
    hinted = base64.b64decode(line)
    own_hint = checkpoint.key_hash(name=ORIGIN, key=LOG.public)
    with_hint = base64.b64encode(own_hint + hinted[4:]).decode()
    assert "is wrong" in refused(f"{STATE.text}\n{DASH} {ORIGIN} {with_hint}\n")


def test_every_edit_of_a_note_is_refused(note: str) -> None:
    text, line = note.split("\n\n")
    root = base64.b64encode(bytes(range(32))).decode()
    edits = {
        "size": note.replace("\n23\n", "\n24\n"),
        "root": note.replace(root, base64.b64encode(bytes(32)).decode()),
        "extension line": f"{text}\nextension\n\n{line}",
        "trailing junk": note + "junk\n",
        "trailing newline": note + "\n",
        "no final newline": note[:-1],
        "no signature": text + "\n",
        "no signature line": text + "\n\n",
        "carriage returns": note.replace("\n", "\r\n"),
        "control character": note.replace("\n23", "\n23\x07"),
        "signed twice": note + line,
        "two spaces": note.replace(f"{DASH} ", f"{DASH}  "),
        "hyphen": note.replace(DASH, "-"),
        "spare bits in base64": note[:-3] + ("B=\n" if note[-3] == "A" else "A=\n"),
        "empty": "",
    }

    for name, edited in edits.items():
        assert edited != note, name
        refused(edited)
    refused(note.encode("utf-16"))
    refused(note + (f"{DASH} witness.example AAAAAAAAAA==\n" * 16))
    refused(note.replace("\n23", "\n23" + " " * checkpoint.MAX_NOTE_BYTES))


def test_no_byte_of_a_checkpoint_can_be_changed(note: str) -> None:
    data = note.encode()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1
        refused(bytes(flipped))


@pytest.mark.parametrize(
    "text",
    [
        "log.example\n023\n{root}\n",
        "log.example\n-1\n{root}\n",
        "log.example\n+1\n{root}\n",
        "log.example\n1e3\n{root}\n",
        "log.example\n\u0661\n{root}\n",
        "log.example\n99999999999999999999\n{root}\n",
        "log example\n1\n{root}\n",
        "\n1\n{root}\n",
        "log.example\n1\nAAAA\n",
        "log.example\n1\n{root}",
        "log.example\n1\n{root}\n\n",
        "log.example\n1\n",
    ],
)
def test_a_text_that_states_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointRefused):
        checkpoint.parse(text.format(root=base64.b64encode(bytes(32)).decode()))


def test_nothing_unspeakable_is_signed() -> None:
    for name in ("two words", "plus+sign", "line\nbreak", ""):
        with pytest.raises(CheckpointRefused):
            checkpoint.sign_note(text="text\n", name=name, signer=LOG)
    with pytest.raises(CheckpointRefused):
        checkpoint.origin_of(log_name="two words", tenant_id=TENANT)
    for state in (Checkpoint(ORIGIN, -1, bytes(32)), Checkpoint(ORIGIN, 1, bytes(31))):
        with pytest.raises(CheckpointRefused):
            checkpoint.sign(checkpoint=state, signer=LOG)
    with pytest.raises(CheckpointRefused):
        checkpoint.sign_note(text="bell\x07\n", name="log.example", signer=LOG)
