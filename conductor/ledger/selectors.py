"""Reads of the ledger: receipts of a record, and proofs from stored tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from conductor.ledger.log import merkle, tile_store
from conductor.ledger.log.tiles import tiles_of
from conductor.ledger.models import Checkpoint, Receipt
from conductor.lib.errors import Conflict, Invalid, NotFound
from conductor.lib.refs import Ref


class NotYetSequenced(Conflict):
    """The receipt has no number yet. The sequencer gives it one within seconds; ask again."""

    code = "receipt_not_yet_sequenced"


class CheckpointUnknown(NotFound):
    """The log has no checkpoint of this size."""

    code = "checkpoint_unknown"


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


@dataclass(frozen=True)
class ConsistencyProof:
    """RFC 9162 proof that the log of one checkpoint is a prefix of that of a later one. Hashes are lower hex."""

    old_size: int
    new_size: int
    hashes: list[str]
    old_checkpoint: str
    new_checkpoint: str


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


def checkpoint_of(size: int) -> Checkpoint:
    """Return the checkpoint at `size`; raise CheckpointUnknown where no batch ended there."""
    found = Checkpoint.objects.filter(tree_size=size).first()
    if found is None:
        raise CheckpointUnknown
    return found


def inclusion_proof(*, receipt: Receipt, checkpoint: Checkpoint | None = None) -> InclusionProof:
    """Return the proof of `receipt` in `checkpoint` (the newest one by default).

    Raise NotYetSequenced if it has no number, or one beyond the checkpoint.
    """
    return inclusion_proofs(receipts=[receipt], checkpoint=checkpoint)[0]


def inclusion_proofs(*, receipts: Iterable[Receipt], checkpoint: Checkpoint | None = None) -> list[InclusionProof]:
    """Return the proofs of all `receipts` in one checkpoint, in their order. Reads a few tiles, never the log."""
    checkpoint = checkpoint or latest_checkpoint()
    wanted = list(receipts)
    if checkpoint is None or any(each.leaf_index is None or each.leaf_index >= checkpoint.tree_size for each in wanted):
        raise NotYetSequenced
    paths = [_ranges(each, checkpoint) for each in wanted]
    tiles = tile_store.read(tiles_of(each for path in paths for each in path))
    return [
        _proof(each, [tiles.root(leaves) for leaves in path], checkpoint)
        for each, path in zip(wanted, paths, strict=True)
    ]


def consistency_proof(*, old: Checkpoint, new: Checkpoint | None = None) -> ConsistencyProof:
    """Return the proof that `new` (the newest one by default) extends `old`; Invalid if it is the smaller one."""
    new = new or latest_checkpoint() or old
    if old.tree_size > new.tree_size:
        raise Invalid(fields={"to": ["The second checkpoint must not be the smaller one."]})
    hashes = tile_store.roots(merkle.consistency_ranges(size1=old.tree_size, size2=new.tree_size))
    return ConsistencyProof(
        old_size=old.tree_size,
        new_size=new.tree_size,
        hashes=[each.hex() for each in hashes],
        old_checkpoint=old.note,
        new_checkpoint=new.note,
    )


def _ranges(receipt: Receipt, checkpoint: Checkpoint) -> list[merkle.Range]:
    assert receipt.leaf_index is not None
    return merkle.inclusion_ranges(index=receipt.leaf_index, size=checkpoint.tree_size)


def _proof(receipt: Receipt, hashes: Sequence[bytes], checkpoint: Checkpoint) -> InclusionProof:
    index, leaf = receipt.leaf_index, receipt.leaf_hash
    assert index is not None and leaf is not None
    return InclusionProof(
        leaf_index=index,
        tree_size=checkpoint.tree_size,
        leaf_hash=leaf,
        root_hash=checkpoint.root_hash,
        hashes=[each.hex() for each in hashes],
        checkpoint=checkpoint.note,
    )
