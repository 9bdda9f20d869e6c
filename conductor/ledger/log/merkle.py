"""The Merkle tree of RFC 6962 (and RFC 9162): roots, proofs, and growth without the leaves.

Everything here works on 32-byte leaf hashes, in log order. A proof is a list of hashes, from the leaf's
level upwards; which leaves each of them stands for is a matter of index and size alone (`inclusion_ranges`,
`consistency_ranges`), so a store of subtree hashes can serve proofs without reading the leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Range = tuple[int, int]
"""Leaves `start` (inclusive) to `end` (exclusive)."""


class ProofRefused(ValueError):
    """A Merkle proof does not prove what it was offered for."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a log entry. The prefix keeps an inner node from being passed off as an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over `leaf_hashes`; for no leaves the hash of nothing (RFC 6962, 2.1)."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


# --- inclusion ---


def inclusion_ranges(*, index: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove leaf `index` in a tree of `size`, lowest level first.

    Raise ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _largest_power_below(end - start)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return ranges[::-1]


def inclusion_proof(*, index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of leaf `index`, from the leaf upwards; ValueError if there is no such leaf."""
    return [root(leaf_hashes[start:end]) for start, end in inclusion_ranges(index=index, size=len(leaf_hashes))]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Return only if `proof` shows that the leaf hash `leaf` is number `index` of the tree of `size` and root.

    Raise ProofRefused otherwise (RFC 9162, 2.1.3.2).
    """
    if not 0 <= index < size:
        raise ProofRefused(f"there is no leaf {index} in a tree of {size}")
    _require_hashes(leaf, root_hash, *proof)
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the inclusion proof is too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofRefused("the inclusion proof is too short")
    if computed != root_hash:
        raise ProofRefused("the inclusion proof leads to another root")


# --- consistency ---


def consistency_ranges(*, size1: int, size2: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove that the tree of `size1` is a prefix of that of `size2`.

    Raise ValueError unless 0 < size1 <= size2: nothing can be proven about an empty log.
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"no consistency proof from {size1} to {size2}")
    ranges: list[Range] = []
    start, end, known = 0, size2, True
    while size1 != end:
        split = start + _largest_power_below(end - start)
        if size1 <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start, known = split, False
    if not known:
        ranges.append((start, end))
    return ranges[::-1]


def consistency_proof(*, size1: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the proof that the first `size1` leaves are unchanged in the whole; ValueError for size 0."""
    ranges = consistency_ranges(size1=size1, size2=len(leaf_hashes))
    return [root(leaf_hashes[start:end]) for start, end in ranges]


def verify_consistency(*, size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Return only if `proof` shows that the tree (size2, root2) extends (size1, root1).

    Raise ProofRefused otherwise (RFC 9162, 2.1.4.2), also for size1 == 0: any log extends an empty one, so
    such a proof says nothing.
    """
    if not 0 < size1 <= size2:
        raise ProofRefused(f"no consistency proof leads from {size1} to {size2}")
    _require_hashes(root1, root2, *proof)
    if size1 == size2:
        if proof or root1 != root2:
            raise ProofRefused("two trees of one size are consistent only if they are the same")
        return
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    if not path:
        raise ProofRefused("the consistency proof is too short")
    position, last = size1 - 1, size2 - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    _walk_consistency(path, position, last, root1, root2)


def _walk_consistency(path: Sequence[bytes], position: int, last: int, root1: bytes, root2: bytes) -> None:
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the consistency proof is too long")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofRefused("the consistency proof is too short")
    if old != root1:
        raise ProofRefused("the consistency proof leads to another old root")
    if new != root2:
        raise ProofRefused("the consistency proof leads to another new root")


# --- growth ---


@dataclass
class Frontier:
    """The roots of the perfect subtrees that a log consists of: enough to append and to compute the root.

    A log of n leaves has one hash per set bit of n, so it is kept as a short list beside each checkpoint.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)
    """Largest subtree (oldest leaves) first; as many as `size` has set bits."""

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"{len(self.hashes)} hashes cannot be the frontier of {self.size} leaves")
        _require_hashes(*self.hashes)

    @classmethod
    def from_hex(cls, *, size: int, hashes: Iterable[str]) -> Frontier:
        """Return the frontier that `to_hex` described; raise ValueError if it cannot be one."""
        return cls(size, [bytes.fromhex(each) for each in hashes])

    def to_hex(self) -> list[str]:
        """Return the hashes as lower hexadecimal digits, largest subtree first."""
        return [each.hex() for each in self.hashes]

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash and return its index."""
        _require_hashes(leaf)
        index, merged = self.size, leaf
        for _ in range((~index & (index + 1)).bit_length() - 1):
            merged = node_hash(self.hashes.pop(), merged)
        self.hashes.append(merged)
        self.size += 1
        return index

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self.hashes:
            return EMPTY_ROOT
        computed = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            computed = node_hash(left, computed)
        return computed


def _largest_power_below(count: int) -> int:
    """Return the largest power of two smaller than `count` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _require_hashes(*hashes: bytes) -> None:
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise ProofRefused(f"a hash of {len(each)} bytes instead of {HASH_BYTES}")
