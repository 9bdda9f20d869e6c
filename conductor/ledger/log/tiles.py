"""Tiles: the Merkle tree's hashes in blocks of up to 256, so that a proof reads a handful of them (C2SP tlog-tiles).

Tile (level, number) holds the roots of the perfect subtrees of 256**level leaves each, from the 256*number-th on.
A tile only ever grows to the right, and what is in it stays. Nothing here knows where tiles are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from conductor.ledger.log.merkle import HASH_BYTES, Range, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES


class Coordinates(NamedTuple):
    """Which tile."""

    level: int
    number: int


class Node(NamedTuple):
    """The root of a perfect subtree: the `place`-th of those over 2**height leaves."""

    height: int
    place: int

    @property
    def tile(self) -> Coordinates:
        """The tile that holds it, or the hashes that it is made of."""
        level, rest = divmod(self.height, HEIGHT)
        return Coordinates(level, (self.place << rest) >> HEIGHT)


class TileIncomplete(LookupError):
    """A tile that the tree's size calls for is missing, or holds too few hashes."""

    def __init__(self, at: Coordinates) -> None:
        self.at = at
        super().__init__(f"tile {at.level}/{at.number} is missing or incomplete")


def nodes_of(leaves: Range) -> list[Node]:
    """Return the perfect subtrees that the leaves from `start` to `end` consist of, left to right.

    `start` must be a multiple of the largest power of two that fits in, as it is in every range of a proof.
    """
    start, end = leaves
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        found.append(Node(height, start >> height))
        start += 1 << height
    return found


def tiles_of(ranges: Iterable[Range]) -> set[Coordinates]:
    """Return the tiles that are needed to compute the roots of all `ranges`."""
    return {node.tile for each in ranges for node in nodes_of(each)}


def edge_of(size: int) -> list[Coordinates]:
    """Return the tiles that the next leaf may change: on each level the one at the right edge of a tree of `size`."""
    found, level = [], 0
    while level == 0 or size >> (HEIGHT * level):
        found.append(Coordinates(level, size >> (HEIGHT * (level + 1))))
        level += 1
    return found


def width_of(at: Coordinates, *, size: int) -> int:
    """Return how many hashes a tile holds in a tree of `size` leaves."""
    whole = size >> (HEIGHT * at.level)
    return max(0, min(WIDTH, whole - at.number * WIDTH))


@dataclass(frozen=True)
class Tiles:
    """Some tiles of one tree."""

    held: Mapping[Coordinates, bytes]

    def root(self, leaves: Range) -> bytes:
        """Return the root of the leaves from `start` to `end`; raise TileIncomplete if a tile is lacking."""
        nodes = nodes_of(leaves)
        computed = self.node(nodes[-1])
        for node in reversed(nodes[:-1]):
            computed = node_hash(self.node(node), computed)
        return computed

    def node(self, node: Node) -> bytes:
        """Return the root of a perfect subtree; raise TileIncomplete if its tile is lacking."""
        at, rest = node.tile, node.height % HEIGHT
        first = (node.place << rest) % WIDTH
        hashes = self.held.get(at, b"")[first * HASH_BYTES : (first + (1 << rest)) * HASH_BYTES]
        if len(hashes) != HASH_BYTES << rest:
            raise TileIncomplete(at)
        return perfect_root(hashes)


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over hashes that stand one after the other; how many they are is a power of two."""
    row = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def grown(*, size: int, edge: Mapping[Coordinates, bytes], leaves: Iterable[bytes]) -> dict[Coordinates, bytes]:
    """Return the tiles that change when `leaves` are added to a tree of `size`, each with its whole new content.

    `edge` are the tiles of `edge_of(size)`. Raise TileIncomplete if one of them is not what the size calls for.
    """
    for at in edge_of(size):
        if len(edge.get(at, b"")) != width_of(at, size=size) * HASH_BYTES:
            raise TileIncomplete(at)
    changed: dict[Coordinates, bytes] = {}
    row, level, begin = list(leaves), 0, size
    while row:
        above: list[bytes] = []
        for at, part in _by_tile(level, begin, row):
            content = edge.get(at, b"") + b"".join(part)
            changed[at] = content
            if len(content) == TILE_BYTES:
                above.append(perfect_root(content))
        row, level, begin = above, level + 1, begin >> HEIGHT
    return changed


def _by_tile(level: int, begin: int, row: list[bytes]) -> Iterator[tuple[Coordinates, list[bytes]]]:
    """Split hashes, the first of which is number `begin` of its level, by the tiles that they belong to."""
    at = 0
    while at < len(row):
        number, filled = divmod(begin + at, WIDTH)
        part = row[at : at + WIDTH - filled]
        yield Coordinates(level, number), part
        at += len(part)
