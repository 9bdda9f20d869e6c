"""`manage.py rebuild_tiles --tenant northwind`: lay a log's tiles anew from its receipts, after damage."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction

from conductor.ledger.log.tiles import Coordinates, edge_of, grown
from conductor.ledger.models import Receipt, Tile
from conductor.lib.ids import uuid7
from conductor.tenancy.directory import tenant_id_for_slug

OWNER = "owner"
CHUNK = 4096


class Command(BaseCommand):
    help = "Tiles follow from the receipts, so they may be thrown away; only the tables' owner can."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's short name")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
            # The sequencer's own lock: nothing may be added meanwhile.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sequencer:{tenant_id}"])
            cursor.execute("ALTER TABLE conductor_tile DISABLE TRIGGER conductor_tile_no_delete")
            cursor.execute("DELETE FROM conductor_tile WHERE tenant_id = %s", [tenant_id])
            cursor.execute("ALTER TABLE conductor_tile ENABLE TRIGGER conductor_tile_no_delete")
            logged = Receipt.objects.using(OWNER).filter(tenant_id=tenant_id, leaf_index__isnull=False)
            leaves = logged.order_by("leaf_index").values_list("leaf_hash", flat=True)
            tiles, size = _laid([bytes.fromhex(each or "") for each in leaves.iterator(chunk_size=CHUNK)])
            Tile.objects.using(OWNER).bulk_create(
                Tile(id=uuid7(), tenant_id=tenant_id, level=at.level, number=at.number, hashes=hashes)
                for at, hashes in tiles.items()
            )
        self.stdout.write(f"{options['tenant']}: {len(tiles)} tiles over {size} receipts")


def _laid(leaves: list[bytes]) -> tuple[dict[Coordinates, bytes], int]:
    edge = dict.fromkeys(edge_of(0), b"")
    return grown(size=0, edge=edge, leaves=leaves), len(leaves)
