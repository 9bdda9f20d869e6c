"""Tiles only grow, keys only end, and the logs that exist already get their tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import migrations

from conductor.ledger.log.tiles import Coordinates, edge_of, grown
from conductor.lib.ids import uuid7
from conductor.tenancy.database.rls import APP_ROLE, row_level_security

CHUNK = 4096

FUNCTIONS = """
CREATE FUNCTION conductor_tile_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.tenant_id, NEW.level, NEW.number) IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.level, OLD.number)
       OR length(NEW.hashes) <= length(OLD.hashes) OR length(NEW.hashes) > 8192 OR length(NEW.hashes) % 32 <> 0
       OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION conductor_key_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(OLD) - '{valid_to,compromised_from}'::text[])
          IS DISTINCT FROM (to_jsonb(NEW) - '{valid_to,compromised_from}'::text[])
       OR (OLD.valid_to IS NOT NULL AND NEW.valid_to IS DISTINCT FROM OLD.valid_to)
       OR (OLD.compromised_from IS NOT NULL AND NEW.compromised_from IS DISTINCT FROM OLD.compromised_from) THEN
        RAISE EXCEPTION 'a key ends once and never changes' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""

GUARDS = f"""
CREATE TRIGGER conductor_tile_grows BEFORE UPDATE ON conductor_tile
    FOR EACH ROW EXECUTE FUNCTION conductor_tile_grows();
CREATE TRIGGER conductor_tile_no_delete BEFORE DELETE ON conductor_tile
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_tile_no_truncate BEFORE TRUNCATE ON conductor_tile
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_tile FROM {APP_ROLE};
GRANT UPDATE (hashes) ON conductor_tile TO {APP_ROLE};
ALTER TABLE conductor_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TRIGGER conductor_signingkey_ends BEFORE UPDATE ON conductor_signingkey
    FOR EACH ROW EXECUTE FUNCTION conductor_key_ends();
CREATE TRIGGER conductor_signingkey_no_delete BEFORE DELETE ON conductor_signingkey
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_signingkey_no_truncate BEFORE TRUNCATE ON conductor_signingkey
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_signingkey FROM {APP_ROLE};
GRANT UPDATE (valid_to, compromised_from) ON conductor_signingkey TO {APP_ROLE};
"""


def lay_tiles(apps: Any, schema_editor: Any) -> None:
    """Lay the tiles of every log, from the leaf hashes of its receipts."""
    tile, receipt, tenant = (apps.get_model("conductor", name) for name in ("Tile", "Receipt", "Tenant"))
    alias = schema_editor.connection.alias
    for tenant_id in tenant.objects.using(alias).values_list("id", flat=True):
        logged = receipt.objects.using(alias).filter(tenant_id=tenant_id, leaf_index__isnull=False)
        tiles: dict[Coordinates, bytes] = {}
        size = 0
        for leaves in _chunks(logged.order_by("leaf_index").values_list("leaf_hash", flat=True)):
            edge = {at: tiles.get(at, b"") for at in edge_of(size)}
            tiles |= grown(size=size, edge=edge, leaves=leaves)
            size += len(leaves)
        tile.objects.using(alias).bulk_create(
            tile(id=uuid7(), tenant_id=tenant_id, level=at.level, number=at.number, hashes=hashes)
            for at, hashes in tiles.items()
        )


def _chunks(leaves: Any) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for leaf in leaves.iterator(chunk_size=CHUNK):
        chunk.append(bytes.fromhex(leaf))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


class Migration(migrations.Migration):
    dependencies = [("conductor", "0005_ledger_tiles_and_keys")]

    operations = [
        *row_level_security("conductor_tile"),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        # Last: PostgreSQL alters no table that has rows whose foreign keys are still to be checked.
        migrations.RunPython(lay_tiles, migrations.RunPython.noop),
    ]
