"""The tiles of a tenant's log in the database: read for proofs, grown by the sequencer. Needs the tenant's scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection

from conductor.ledger.log.merkle import Range
from conductor.ledger.log.tiles import Coordinates, Tiles, edge_of, grown, tiles_of
from conductor.ledger.models import Tile
from conductor.lib.ids import uuid7

_READ = """
    SELECT level, number, hashes FROM conductor_tile
    JOIN unnest(%s::int[], %s::bigint[]) AS wanted (level, number) USING (level, number)
    WHERE tenant_id = conductor_current_tenant()
"""
# The trigger lets a tile only grow: what another sequencer wrote meanwhile would be refused, not overwritten.
_WRITE = """
    INSERT INTO conductor_tile (id, tenant_id, level, number, hashes) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, level, number) DO UPDATE SET hashes = excluded.hashes
"""


def read(wanted: Iterable[Coordinates]) -> Tiles:
    """Return those of the wanted tiles that there are, in one query."""
    places = sorted(wanted)
    with connection.cursor() as cursor:
        cursor.execute(_READ, [[at.level for at in places], [at.number for at in places]])
        return Tiles({Coordinates(level, number): bytes(hashes) for level, number, hashes in cursor.fetchall()})


def roots(ranges: Sequence[Range]) -> list[bytes]:
    """Return the root over each range of leaves; raise TileIncomplete if the log is not that long."""
    tiles = read(tiles_of(ranges))
    return [tiles.root(each) for each in ranges]


def grow(*, tenant_id: UUID, size: int, leaves: Sequence[bytes]) -> None:
    """Add `leaves` to a log of `size`; raise TileIncomplete if its tiles are not what the size calls for."""
    changed = grown(size=size, edge=read(edge_of(size)).held, leaves=leaves)
    rows = [(uuid7(), tenant_id, at.level, at.number, hashes) for at, hashes in changed.items()]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, rows)


def all_tiles() -> dict[Coordinates, bytes]:
    """Return every tile of the tenant's log: 32 bytes a receipt, and half a percent more."""
    rows = Tile.objects.values_list("level", "number", "hashes")
    return {Coordinates(level, number): bytes(hashes) for level, number, hashes in rows.iterator()}
