"""Checkpoints: the log's size and root, signed (C2SP tlog-checkpoint in a C2SP signed-note).

Writing yields the one form that this log uses; reading refuses every other: no extension lines, no control
characters, no second signature by the log's key. Signatures by unknown keys are passed over, as the
specification demands, so that witnesses may add theirs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from conductor.ledger.keys.keys import PublicKey, Signer
from conductor.ledger.log.merkle import HASH_BYTES

ED25519_NOTE: Final = b"\x01"
"""Signature type byte of plain Ed25519 notes."""
MAX_SIGNATURES: Final = 16
MAX_NOTE_BYTES: Final = 64 * 1024

_DASH = "\u2014"
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointRefused(ValueError):
    """A checkpoint is malformed, of another log, or not signed by the log's key."""


@dataclass(frozen=True)
class Checkpoint:
    """A log's state."""

    origin: str
    """Which log: `<log name>/<tenant id>`."""
    tree_size: int
    root_hash: bytes

    @property
    def text(self) -> str:
        """The note's text, which is what is signed: three lines, each ended by a newline."""
        return f"{self.origin}\n{self.tree_size}\n{_base64(self.root_hash)}\n"


@dataclass(frozen=True)
class NoteSignature:
    """One signature line of a note."""

    name: str
    key_hash: bytes
    """Four bytes that, with the name, tell which key signed."""
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A signed note, not yet verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


def origin_of(*, log_name: str, tenant_id: UUID) -> str:
    """Return the origin of a tenant's log: each tenant has a log of its own under the installation's name."""
    origin = f"{log_name}/{tenant_id}"
    if not _NAME.fullmatch(origin):
        raise CheckpointRefused(f"{log_name!r} cannot name a log: no spaces, no plus signs")
    return origin


def key_hash(*, name: str, key: PublicKey) -> bytes:
    """Return the four bytes by which a note refers to an Ed25519 key under a name."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519_NOTE + key.raw).digest()[:4]


def verifier_key(*, name: str, key: PublicKey) -> str:
    """Return the key as C2SP tools take it: `<name>+<key hash>+<base64>`."""
    return f"{name}+{key_hash(name=name, key=key).hex()}+{_base64(ED25519_NOTE + key.raw)}"


def sign(*, checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the signed note. The signature's name is the origin, as tlog-checkpoint recommends."""
    if len(checkpoint.root_hash) != HASH_BYTES or checkpoint.tree_size < 0:
        raise CheckpointRefused("not the state of a log")
    return sign_note(text=checkpoint.text, name=checkpoint.origin, signer=signer)


def sign_note(*, text: str, name: str, signer: Signer) -> str:
    """Return `text`, which ends with a newline, as a signed note."""
    if not _NAME.fullmatch(name):
        raise CheckpointRefused(f"{name!r} cannot name a key: no spaces, no plus signs")
    signature = key_hash(name=name, key=signer.public) + signer.sign(text.encode())
    note = f"{text}\n{_DASH} {name} {_base64(signature)}\n"
    parse_note(note.encode())
    return note


def parse_note(note: bytes) -> Note:
    """Return the parts of a signed note; raise CheckpointRefused on anything the specification does not allow."""
    if len(note) > MAX_NOTE_BYTES:
        raise CheckpointRefused("the note is too long")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise CheckpointRefused("the note is not UTF-8") from error
    if any(character < " " and character != "\n" for character in decoded):
        raise CheckpointRefused("the note contains control characters")
    text, blank, tail = decoded.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise CheckpointRefused("the note has no signature block, or does not end with a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CheckpointRefused("the note has too many signatures")
    return Note(text + "\n", tuple(map(_signature_line, lines)))


def verify_note(*, note: bytes, name: str, key: PublicKey) -> str:
    """Return the text of a note that `key` has signed once under `name`; raise CheckpointRefused otherwise."""
    parsed = parse_note(note)
    wanted = (name, key_hash(name=name, key=key))
    signatures = [each.signature for each in parsed.signatures if (each.name, each.key_hash) == wanted]
    if not signatures:
        raise CheckpointRefused(f"the note is not signed by {name} with the key that is trusted for it")
    if len(signatures) > 1:
        raise CheckpointRefused(f"{name} has signed the note twice")
    if not key.verifies(message=parsed.text.encode(), signature=signatures[0]):
        raise CheckpointRefused(f"the signature of {name} is wrong")
    return parsed.text


def parse(text: str) -> Checkpoint:
    """Return the checkpoint that a note's text states; raise CheckpointRefused on any other form."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointRefused("a checkpoint of this log has three lines: origin, size and root")
    origin, size, root = lines[:3]
    if not _NAME.fullmatch(origin):
        raise CheckpointRefused("the origin is empty or has spaces in it")
    if not _SIZE.fullmatch(size):
        raise CheckpointRefused("the size is not a plain decimal number")
    checkpoint = Checkpoint(origin, int(size), _decode(root, "the root"))
    if len(checkpoint.root_hash) != HASH_BYTES:
        raise CheckpointRefused("the root is not a SHA-256")
    return checkpoint


def verify(*, note: bytes, origin: str, key: PublicKey) -> Checkpoint:
    """Return the checkpoint of a note by the log `origin`, signed by `key`; raise CheckpointRefused otherwise."""
    checkpoint = parse(verify_note(note=note, name=origin, key=key))
    if checkpoint.origin != origin:
        raise CheckpointRefused(f"the checkpoint is of the log {checkpoint.origin} instead of {origin}")
    return checkpoint


def _signature_line(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not _NAME.fullmatch(parts[1]):
        raise CheckpointRefused("a line in the signature block is not a signature")
    data = _decode(parts[2], "a signature")
    if len(data) < 5:
        raise CheckpointRefused("a signature is too short")
    return NoteSignature(parts[1], data[:4], data[4:])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointRefused(f"{what} is not base64") from error
    if _base64(data) != text:
        raise CheckpointRefused(f"{what} is not in the one form that base64 has for it")
    return data
