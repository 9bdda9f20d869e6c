"""A receipt's place in the log as a C2SP tlog-proof: one text with index, audit path and signed checkpoint.

What it proves is the log's entry (conductor.ledger.log.entry), which anybody can make again from the receipt's envelope
and key. It holds nothing of the receipt's content.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from conductor.ledger.keys.keys import PublicKey
from conductor.ledger.log import checkpoint, merkle
from conductor.ledger.log.checkpoint import Checkpoint, CheckpointRefused
from conductor.ledger.selectors import InclusionProof

HEADER: Final = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
MAX_HASHES: Final = 63

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ProofRefused(ValueError):
    """A tlog-proof is malformed, or does not prove the entry."""


@dataclass(frozen=True)
class TlogProof:
    """The parts of a tlog-proof."""

    index: int
    hashes: list[bytes]
    note: str
    """The signed checkpoint."""


def write(proof: InclusionProof) -> str:
    """Return the proof as text; files of it are named `*.tlog-proof`."""
    hashes = "".join(f"{base64.b64encode(bytes.fromhex(each)).decode()}\n" for each in proof.hashes)
    return f"{HEADER}\nindex {proof.leaf_index}\n{hashes}\n{proof.checkpoint}"


def read(text: str) -> TlogProof:
    """Return the parts of a proof without extra data; raise ProofRefused on any other form."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if not blank or lines[0] != HEADER or index is None:
        raise ProofRefused("not a tlog-proof: header, index, hashes, an empty line and a checkpoint")
    if len(lines) - 2 > MAX_HASHES:
        raise ProofRefused("the path is too long for any log")
    return TlogProof(int(index[1]), [_hash(each) for each in lines[2:]], note)


def verify(*, text: str, entry: bytes, origin: str, key: PublicKey) -> Checkpoint:
    """Return the checkpoint if the proof shows that the log `origin`, signed by `key`, holds `entry`.

    Raise ProofRefused otherwise.
    """
    proof = read(text)
    try:
        state = checkpoint.verify(note=proof.note.encode(), origin=origin, key=key)
        merkle.verify_inclusion(
            leaf=merkle.leaf_hash(entry),
            index=proof.index,
            size=state.tree_size,
            proof=proof.hashes,
            root_hash=state.root_hash,
        )
    except (CheckpointRefused, merkle.ProofRefused) as why:
        raise ProofRefused(str(why)) from why
    return state


def _hash(line: str) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofRefused("a hash of the path is not base64") from error
    if len(data) != merkle.HASH_BYTES or base64.b64encode(data).decode() != line:
        raise ProofRefused("a hash of the path is not a SHA-256 in base64")
    return data
