"""Signs, numbers and logs receipts in batches: one sequencer at a time per tenant, and nobody else uses the keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from conductor.ledger import statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import hold_still, in_force
from conductor.ledger.keys.keys import LOG, SEAL, Signer
from conductor.ledger.keys.providers import provider
from conductor.ledger.log import checkpoint, tile_store
from conductor.ledger.log.entry import log_entry
from conductor.ledger.log.merkle import Frontier, leaf_hash
from conductor.ledger.models import Checkpoint, Receipt
from conductor.observability.metrics import RECEIPTS_SEQUENCED
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs
from conductor.tenancy.models import Tenant

BATCH = 1000

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
# The trigger lets these four columns go from NULL to a value, once.
_NUMBER = """
    UPDATE conductor_receipt SET leaf_index = %s, leaf_hash = %s, envelope = %s, sequenced_at = %s WHERE id = %s
"""


def sequence(*, tenant_id: UUID, now: datetime) -> int:
    """Give every committed, pending receipt of the tenant its number, and sign a checkpoint over the whole log.

    Return how many receipts were numbered; 0 also when another sequencer is at work. Each batch is one
    transaction: after a crash it was done wholly or not at all. Pending means "has no number", not "is newer
    than the last one": a transaction that commits late is found all the same.
    """
    total = 0
    while batch := _sequence_batch(tenant_id, now):
        total += batch
        if batch < BATCH:
            break
    return total


def sweep_ledgers(*, now: datetime) -> int:
    """Sequence whatever is pending, of every tenant."""
    return sum(sequence(tenant_id=tenant.id, now=now) for tenant in tenant_refs())


def _sequence_batch(tenant_id: UUID, now: datetime) -> int:
    with tenant_scope(tenant_id):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [f"sequencer:{tenant_id}"])
            if not cursor.fetchone()[0]:
                return 0
        pending = Receipt.objects.filter(leaf_index=None).select_for_update(skip_locked=True, of=("self",))
        receipts = list(pending.order_by("recorded_at", "id")[:BATCH])
        if not receipts:
            return 0
        hold_still()
        seal, seal_period = in_force(purpose=SEAL, provider=provider())
        log, log_period = in_force(purpose=LOG, provider=provider())
        last = Checkpoint.objects.order_by("-tree_size").first()
        frontier = Frontier.from_hex(size=last.tree_size, hashes=last.frontier) if last else Frontier()
        # A clock that was set back, or a key that was replaced while this waited, must not turn back the log's time.
        floor = [seal_period.valid_from, log_period.valid_from, last.created_at if last else None]
        moment = max([now, *filter(None, floor)])
        slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
        _number(receipts, frontier, slug, seal, moment)
        _sign_checkpoint(tenant_id, frontier, log, moment)
    RECEIPTS_SEQUENCED.inc(len(receipts))
    return len(receipts)


def _number(receipts: Sequence[Receipt], frontier: Frontier, slug: str, signer: Signer, moment: datetime) -> None:
    rows: list[Any] = []
    leaves: list[bytes] = []
    size = frontier.size
    for receipt in receipts:
        envelope = dsse.sign(payload=statement.receipt(content_of(receipt, slug)), signers=[signer])
        leaves.append(leaf_hash(log_entry(envelope=envelope, key=signer.public)))
        rows.append((frontier.append(leaves[-1]), leaves[-1].hex(), Jsonb(envelope.to_dict()), moment, receipt.id))
    with connection.cursor() as cursor:
        cursor.executemany(_NUMBER, rows)
    tile_store.grow(tenant_id=receipts[0].tenant_id, size=size, leaves=leaves)


def content_of(receipt: Receipt, tenant_slug: str) -> statement.ReceiptContent:
    """Return what the receipt's statement says."""
    return statement.ReceiptContent(
        receipt_id=receipt.id,
        tenant_id=receipt.tenant_id,
        tenant_slug=tenant_slug,
        action=receipt.action,
        subject=receipt.subject,
        subject_name=receipt.subject_name,
        actor=receipt.actor,
        actor_name=receipt.actor_name,
        authentication=receipt.authentication,
        occurred_at=receipt.occurred_at,
        recorded_at=receipt.recorded_at,
        body=receipt.body,
        links=receipt.links,
        files=[statement.Subject(each["name"], each["digest"]) for each in receipt.subjects],
    )


def _sign_checkpoint(tenant_id: UUID, frontier: Frontier, signer: Signer, moment: datetime) -> None:
    state = checkpoint.Checkpoint(
        origin=checkpoint.origin_of(log_name=settings.CONDUCTOR_LOG_NAME, tenant_id=tenant_id),
        tree_size=frontier.size,
        root_hash=frontier.root(),
    )
    Checkpoint.objects.create(
        tenant_id=tenant_id,
        tree_size=state.tree_size,
        root_hash=state.root_hash.hex(),
        frontier=frontier.to_hex(),
        note=checkpoint.sign(checkpoint=state, signer=signer),
        created_at=moment,
    )
