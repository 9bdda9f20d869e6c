"""What notaries said of checkpoints and receipts: read here, asked for and kept by the app that registers itself.

The ledger may not know adapters. What stands above both registers an `Anchors` in its AppConfig.ready().
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from django.db.models import Q, QuerySet

from conductor.ledger.models import Checkpoint, Receipt
from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Conflict
from conductor.lib.refs import Ref, parse_ref, ref

CHECKPOINT: Final = "conductor.checkpoint"
RECEIPT: Final = "conductor.receipt"
ECHO: Final = "adapters.digest.notarized"
"""The act of anchoring leaves a receipt itself. It needs no anchor of its own, or there would be no end to it."""

_ECHOES = Q(action=ECHO, links__0__startswith=f"{CHECKPOINT}:")


@dataclass(frozen=True)
class Stamp:
    """A notary's verified word on one digest."""

    subject: Ref
    digest: str
    notary: str
    kind: str
    independent: bool
    """Somebody else than this installation gave it."""
    response: bytes
    """As received: DER for RFC 3161."""
    is_rfc3161: bool
    attested_at: datetime
    trust_anchor_pem: str


class Anchors(Protocol):
    """Access to notaries, inside a tenant's scope unless said otherwise."""

    def stamps(self, *, subjects: Sequence[Ref]) -> list[Stamp]:
        """Return the verified stamps of these records, oldest first."""
        ...

    def newest(self, *, kind: str, limit: int = 1) -> list[Stamp]:
        """Return the newest stamps that independent notaries gave for this kind of record, newest first."""
        ...

    def request(self, *, tenant_id: UUID, subject: Ref, digest: str, now: datetime) -> int:
        """Have the tenant's notaries stamp the digest; return how many have. Not inside a transaction."""
        ...


class NoNotary(Conflict):
    """No notary of your organisation gave a time stamp. Connect one under Adapters, or look at what it answered."""

    code = "no_notary"


class _Nobody:
    def stamps(self, *, subjects: Sequence[Ref]) -> list[Stamp]:
        return []

    def newest(self, *, kind: str, limit: int = 1) -> list[Stamp]:
        return []

    def request(self, *, tenant_id: UUID, subject: Ref, digest: str, now: datetime) -> int:
        return 0


_registered: list[Anchors] = [_Nobody()]


def register_anchors(source: Anchors) -> None:
    """Use `source` from now on. Called in AppConfig.ready()."""
    _registered[0] = source


def anchors() -> Anchors:
    """Return what was registered; without any, nothing is ever anchored."""
    return _registered[0]


def digest_of_checkpoint(checkpoint: Checkpoint) -> str:
    """Return what a notary stamps for a checkpoint: the SHA-256 of the signed note."""
    return sha256_hex(checkpoint.note.encode())


def anchored_size() -> int:
    """Return up to which size the tenant's log is anchored: everything below is safe even from the key's holder."""
    for stamp in anchors().newest(kind=CHECKPOINT):
        row = Checkpoint.objects.filter(id=UUID(parse_ref(stamp.subject)[1])).first()
        if row is not None and digest_of_checkpoint(row) == stamp.digest:
            return row.tree_size
    return 0


def unanchored() -> QuerySet[Receipt]:
    """Return the receipts that no anchored checkpoint covers, pending ones among them."""
    beyond = Q(leaf_index__gte=anchored_size()) | Q(leaf_index__isnull=True)
    return Receipt.objects.filter(beyond).exclude(_ECHOES)


def checkpoint_to_anchor() -> Checkpoint | None:
    """Return the first checkpoint that covers every act in the log; None for an empty log.

    It stays the same while nothing but echoes is added, so that a notary that answered is not asked again.
    """
    acts = Receipt.objects.exclude(leaf_index=None).exclude(_ECHOES).order_by("-leaf_index")
    last = acts.values_list("leaf_index", flat=True).first()
    if last is None:
        return None
    return Checkpoint.objects.filter(tree_size__gt=last).order_by("tree_size").first()


def anchor(*, tenant_id: UUID, checkpoint: Checkpoint, now: datetime) -> int:
    """Have the tenant's notaries stamp the checkpoint; return how many have. Not inside a transaction."""
    digest = digest_of_checkpoint(checkpoint)
    return anchors().request(tenant_id=tenant_id, subject=ref(CHECKPOINT, checkpoint.id), digest=digest, now=now)


def stamp_faults() -> list[str]:
    """Return a sentence for each stamped checkpoint that is gone or says something else than what was stamped."""
    rows = {ref(CHECKPOINT, row.id): row for row in Checkpoint.objects.all()}
    newest = anchors().newest(kind=CHECKPOINT)
    found = []
    for stamp in [*newest, *anchors().stamps(subjects=list(rows))]:
        row = rows.get(stamp.subject)
        if row is None:
            found.append(f"{stamp.notary} stamped a checkpoint at {stamp.attested_at:%Y-%m-%d %H:%M} that is gone")
        elif digest_of_checkpoint(row) != stamp.digest:
            found.append(f"checkpoint {row.tree_size}: it is not the one that {stamp.notary} stamped")
    return sorted(set(found))
