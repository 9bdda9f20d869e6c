"""Reads of the ledger: receipts of a record, and proofs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from conductor.ledger import merkle
from conductor.ledger.models import Checkpoint, Receipt
from conductor.lib.errors import Conflict
from conductor.lib.refs import Ref


class NotYetSequenced(Conflict):
    """The receipt has no number yet. The sequencer gives it one within seconds; ask again."""

    code = "receipt_not_yet_sequenced"


@dataclass(frozen=True)
class InclusionProof:
    """RFC 9162 proof that a receipt is in the log that a checkpoint describes. Hashes are lower hex."""

    leaf_index: int
    tree_size: int
    leaf_hash: str
    root_hash: str
    hashes: list[str]
    """Audit path, from the leaf upwards."""
    checkpoint: str
    """The signed note."""


def receipts_for(ref: Ref) -> QuerySet[Receipt]:
    """Return the receipts of what was done to `ref`, and of what links to it, oldest first."""
    return Receipt.objects.filter(Q(subject=ref) | Q(links__contains=[ref])).order_by("recorded_at", "id")


def unsequenced_count(refs: Iterable[Ref]) -> int:
    """Return how many receipts about any of `refs` have no number yet."""
    about = Q(subject__in=list(refs))
    return Receipt.objects.filter(about, leaf_index=None).count()


def latest_checkpoint() -> Checkpoint | None:
    """Return the newest checkpoint of the tenant's log, or None for an empty log."""
    return Checkpoint.objects.order_by("-tree_size").first()


def inclusion_proof(*, receipt: Receipt, checkpoint: Checkpoint | None = None) -> InclusionProof:
    """Return the proof of `receipt` in `checkpoint` (the newest one by default).

    Raise NotYetSequenced if it has no number, or one beyond the checkpoint.
    """
    return inclusion_proofs(receipts=[receipt], checkpoint=checkpoint)[0]


def inclusion_proofs(*, receipts: Iterable[Receipt], checkpoint: Checkpoint | None = None) -> list[InclusionProof]:
    """Return the proofs of all `receipts` in one checkpoint, in their order. Reads the log's leaf hashes once."""
    checkpoint = checkpoint or latest_checkpoint()
    wanted = list(receipts)
    if checkpoint is None or any(each.leaf_index is None or each.leaf_index >= checkpoint.tree_size for each in wanted):
        raise NotYetSequenced
    logged = Receipt.objects.filter(leaf_index__lt=checkpoint.tree_size).order_by("leaf_index")
    leaves = [bytes.fromhex(leaf or "") for leaf in logged.values_list("leaf_hash", flat=True)]
    return [_proof(each, leaves, checkpoint) for each in wanted]


def _proof(receipt: Receipt, leaves: list[bytes], checkpoint: Checkpoint) -> InclusionProof:
    index, leaf = receipt.leaf_index, receipt.leaf_hash
    assert index is not None and leaf is not None
    hashes = merkle.inclusion_proof(index=index, leaf_hashes=leaves)
    return InclusionProof(
        leaf_index=index,
        tree_size=checkpoint.tree_size,
        leaf_hash=leaf,
        root_hash=checkpoint.root_hash,
        hashes=[each.hex() for each in hashes],
        checkpoint=checkpoint.note,
    )
