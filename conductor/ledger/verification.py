"""Checks a tenant's whole ledger: every body, signature, leaf, root and checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from conductor.ledger import checkpoint as notes
from conductor.ledger import dsse, statement
from conductor.ledger.entry import log_entry
from conductor.ledger.keys import KeyProvider, PublicKey
from conductor.ledger.merkle import Frontier, leaf_hash
from conductor.ledger.models import Checkpoint, Receipt
from conductor.ledger.sequencer import content_of
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.models import Tenant


@dataclass
class LedgerReport:
    """What was looked at and what is wrong."""

    receipts: int = 0
    pending: int = 0
    checkpoints: int = 0
    faults: list[str] = field(default_factory=list)
    """One sentence each, naming the receipt or checkpoint. Empty: everything holds."""


def verify_ledger(*, tenant_id: UUID, keys: KeyProvider) -> LedgerReport:
    """Check the tenant's ledger from its first receipt. Needs the tenant's scope.

    Found are: a changed, missing, moved or inserted receipt, and a checkpoint that does not follow from the
    receipts or is not signed by the log's key. Not found is a whole ledger replaced by an older whole one:
    for that, compare the newest checkpoint with one that left the machine (docs/explanation/what-is-proven.md).
    """
    report = LedgerReport(pending=Receipt.objects.filter(leaf_index=None).count())
    slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
    seal, log = keys.seal().public, keys.log().public
    frontier = Frontier()
    checkpoints = iter(Checkpoint.objects.order_by("tree_size"))
    due = next(checkpoints, None)
    for receipt in Receipt.objects.exclude(leaf_index=None).order_by("leaf_index").iterator(chunk_size=500):
        report.receipts += 1
        report.faults.extend(_receipt_faults(receipt, slug, seal, frontier.size))
        frontier.append(bytes.fromhex(receipt.leaf_hash or "00" * 32))
        while due is not None and due.tree_size <= frontier.size:
            report.checkpoints += 1
            report.faults.extend(_checkpoint_faults(due, frontier, tenant_id, log))
            due = next(checkpoints, None)
    if due is not None:
        report.faults.append(
            f"checkpoint {due.tree_size}: the log has only {frontier.size} receipts; its tail is missing"
        )
    return report


def _receipt_faults(receipt: Receipt, slug: str, seal: PublicKey, expected_index: int) -> Iterator[str]:
    name = f"receipt {receipt.leaf_index} ({receipt.action}, {receipt.id})"
    if receipt.leaf_index != expected_index:
        yield f"{name}: expected number {expected_index}; a receipt is missing or was inserted"
    try:
        if sha256_hex(canonical_json(receipt.body)) != receipt.body_digest:
            yield f"{name}: the body was changed"
        envelope = dsse.Envelope.from_dict(receipt.envelope or {})
        payload = dsse.verify(envelope=envelope, keys=[seal])
        if payload != statement.receipt(content_of(receipt, slug)):
            yield f"{name}: the row says something else than what was signed"
        if leaf_hash(log_entry(envelope=envelope, key=seal)).hex() != receipt.leaf_hash:
            yield f"{name}: the leaf is not that of the signed receipt"
    except (dsse.EnvelopeRefused, statement.StatementRefused, ValueError) as error:
        yield f"{name}: {error}"


def _checkpoint_faults(row: Checkpoint, frontier: Frontier, tenant_id: UUID, log: PublicKey) -> Iterator[str]:
    name = f"checkpoint {row.tree_size}"
    if row.tree_size != frontier.size:
        yield f"{name}: no receipt carries number {row.tree_size - 1}"
        return
    origin = notes.origin_of(log_name=settings.CONDUCTOR_LOG_NAME, tenant_id=tenant_id)
    expected = notes.Checkpoint(origin=origin, tree_size=row.tree_size, root_hash=frontier.root())
    if row.root_hash != expected.root_hash.hex():
        yield f"{name}: the root does not follow from the receipts"
    try:
        text = notes.verify_note(note=row.note.encode(), name=origin, key=log)
        if text != expected.text:
            yield f"{name}: the signed note says something else than the receipts"
    except notes.CheckpointRefused as error:
        yield f"{name}: {error}"
