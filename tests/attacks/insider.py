"""What an insider with the tables' owner's rights can do to a ledger, with or without its keys."""

from __future__ import annotations

from typing import Any

from django.db import connections

from conductor.ledger.log import sequencer
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Checkpoint, Receipt
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import as_owner

COLUMNS = "leaf_index = NULL, leaf_hash = NULL, envelope = NULL, sequenced_at = NULL"


def change(statement: str, *values: Any) -> None:
    """Run one statement as the owner, past every trigger."""
    with as_owner() as cursor:
        cursor.execute(statement, values)


def edit_and_rehash(index: int, body: dict[str, Any]) -> None:
    """Change a receipt's body and everything that follows from it without a key."""
    digest = sha256_hex(canonical_json(body))
    change(
        "UPDATE conductor_receipt SET body = %s::jsonb, body_digest = %s WHERE leaf_index = %s",
        canonical_json(body).decode(), digest, index,
    )  # fmt: skip


def rewrite(tenant: Tenant, provider: Any, *, actor_name: str = "Somebody else") -> None:
    """Change the first receipt, then sign and log everything anew with `provider`'s keys: a perfect forgery."""
    change("UPDATE conductor_receipt SET actor_name = %s WHERE leaf_index = 0", actor_name)
    change(f"UPDATE conductor_receipt SET {COLUMNS}")
    for table in ("conductor_checkpoint", "conductor_tile"):
        change(f"DELETE FROM {table}")
    before, sequencer.provider = sequencer.provider, lambda: provider  # type: ignore[assignment]
    try:
        sequence(tenant_id=tenant.id, now=now())
    finally:
        sequencer.provider = before


def saved() -> dict[str, list[str]]:
    """Return the ledger's rows as a dump has them."""
    found = {}
    for table in ("conductor_receipt", "conductor_checkpoint", "conductor_tile"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def restored(dump: dict[str, list[str]]) -> None:
    """Put the ledger back to what the dump has."""
    for table, rows in dump.items():
        change(f"DELETE FROM {table}")
        for row in rows:
            change(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)", row)


def newest_note(tenant: Tenant) -> str:
    """Return the newest signed checkpoint, as an auditor keeps it."""
    with tenant_scope(tenant.id):
        return Checkpoint.objects.order_by("-tree_size")[0].note


def indexes(tenant: Tenant) -> list[int | None]:
    with tenant_scope(tenant.id):
        return list(Receipt.objects.order_by("leaf_index").values_list("leaf_index", flat=True))
