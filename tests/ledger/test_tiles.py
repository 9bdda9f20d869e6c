"""Tiles against the tree that they hold: the same roots and proofs, however the log grew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.ledger.log import merkle
from conductor.ledger.log.merkle import leaf_hash
from conductor.ledger.log.tiles import Coordinates, TileIncomplete, Tiles, edge_of, grown, tiles_of, width_of

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]


def laid(leaves: list[bytes], *batches: int) -> Tiles:
    """Lay the leaves in batches of these sizes, and the rest in one."""
    tiles: dict[Coordinates, bytes] = {}
    size = 0
    for batch in [*batches, len(leaves)]:
        part = leaves[size : size + batch]
        tiles |= grown(size=size, edge={at: tiles.get(at, b"") for at in edge_of(size)}, leaves=part)
        size += len(part)
    return Tiles(tiles)


@given(st.integers(1, 1500), st.lists(st.integers(0, 600), max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_log_has_the_same_tiles_however_it_grew(size: int, batches: list[int]) -> None:
    tiles = laid(LEAVES[:size], *batches)

    assert tiles == laid(LEAVES[:size])
    assert {at: len(hashes) // 32 for at, hashes in tiles.held.items()} == {
        at: width_of(at, size=size) for at in tiles.held
    }
    assert b"".join(tiles.held[at] for at in sorted(tiles.held) if at.level == 0) == b"".join(LEAVES[:size])


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_proofs_from_tiles_are_those_from_the_leaves(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1300))
    older = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, older - 1))
    tiles = laid(LEAVES[:size])

    path = merkle.inclusion_ranges(index=index, size=older)
    assert [tiles.root(each) for each in path] == merkle.inclusion_proof(index=index, leaf_hashes=LEAVES[:older])
    steps = merkle.consistency_ranges(size1=older, size2=size)
    assert [tiles.root(each) for each in steps] == merkle.consistency_proof(size1=older, leaf_hashes=LEAVES[:size])
    assert tiles.root((0, older)) == merkle.root(LEAVES[:older])


def test_a_proof_needs_a_handful_of_tiles_however_long_the_log_is() -> None:
    for index in (0, 499_999, 999_998):
        wanted = tiles_of(merkle.inclusion_ranges(index=index, size=999_999))
        assert len(wanted) <= 6
        assert {at.level for at in wanted} == {0, 1, 2}


def test_three_levels_of_tiles_hold_a_log_of_seventy_thousand() -> None:
    tiles = laid(LEAVES, 65_535, 1)

    assert {at.level for at in tiles.held} == {0, 1, 2}
    assert tiles.root((0, len(LEAVES))) == merkle.root(LEAVES)
    assert sum(map(len, tiles.held.values())) < 32 * len(LEAVES) * 1.01


def test_a_missing_or_short_tile_is_named() -> None:
    tiles = dict(laid(LEAVES[:600]).held)
    short = {**tiles, Coordinates(0, 2): tiles[Coordinates(0, 2)][:-32]}
    del tiles[Coordinates(0, 1)]

    with pytest.raises(TileIncomplete, match="tile 0/1"):
        Tiles(tiles).root((256, 320))
    with pytest.raises(TileIncomplete, match="tile 0/2"):
        Tiles(short).root((0, 600))
    with pytest.raises(TileIncomplete, match="tile 0/2"):
        grown(size=600, edge=short, leaves=LEAVES[:1])
    with pytest.raises(TileIncomplete, match="tile 1/0"):
        grown(size=600, edge={Coordinates(0, 2): LEAVES[0] * 88}, leaves=LEAVES[:1])
