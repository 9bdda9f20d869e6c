"""Checkpoints and receipts before notaries: what the ledger may not do itself, because it knows no adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from adapters import registry
from adapters.models.adapter import AdapterConfig, NotaryRecord
from adapters.notaries.demands import demand_at
from adapters.notaries.lifecycle import notarize, work_off
from adapters.ports.protocols import Capability, Port
from conductor.ledger.anchors import CHECKPOINT, Stamp, anchor, checkpoint_to_anchor
from conductor.ledger.export.stamping import stamp, waiting
from conductor.lib.refs import Ref
from conductor.observability.metrics import CHECKPOINTS_ANCHORED
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant


class NotaryAnchors:
    """`conductor.ledger.anchors.Anchors` by the tenant's notary adapters."""

    def stamps(self, *, subjects: Sequence[Ref]) -> list[Stamp]:
        """Return the verified stamps of these records, oldest first."""
        records = _verified().filter(subject__in=list(subjects)).order_by("attested_at")
        return [_stamp(each) for each in records]

    def newest(self, *, kind: str, limit: int = 1) -> list[Stamp]:
        """Return the newest stamps that independent notaries gave for this kind of record, newest first."""
        records = _verified().filter(subject__startswith=f"{kind}:", adapter__kind__in=_independent_kinds())
        return [_stamp(each) for each in records.order_by("-created_at")[:limit]]

    def request(self, *, tenant_id: UUID, subject: Ref, digest: str, now: datetime) -> int:
        """Ask every enabled notary for a stamp; return how many have given one."""
        records = notarize(tenant_id=tenant_id, subject=subject, digest=digest, now=now)
        return sum(each.state == NotaryRecord.State.VERIFIED for each in records)


def anchor_checkpoint(*, tenant_id: UUID, now: datetime) -> int:
    """Have a checkpoint over everything in the tenant's log stamped by the tenant's notaries.

    Return how many stamps checkpoints were given now. What waits for a notary since earlier is asked about first,
    oldest first; a notary that answered is not asked again. While the tenant's notary policy is OFF nothing is asked,
    and nothing is lost: the first checkpoint after that covers what was not stamped.
    """
    with tenant_scope(tenant_id):
        if not _may_ask(now):
            return 0
        slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
        checkpoint = checkpoint_to_anchor()
        before = _stamped_checkpoints()
    work_off(tenant_id=tenant_id, now=now)
    if checkpoint is not None:
        anchor(tenant_id=tenant_id, checkpoint=checkpoint, now=now)
    with tenant_scope(tenant_id):
        count = _stamped_checkpoints() - before
    CHECKPOINTS_ANCHORED.labels(slug).inc(count)
    return count


def stamp_receipts(*, tenant_id: UUID, now: datetime) -> int:
    """Have the receipts of one tenant stamped that are to be exported; return how many stamps were given."""
    with tenant_scope(tenant_id):
        receipts = waiting(now=now) if _may_ask(now) else []
    return sum(stamp(receipt=each, now=now) for each in receipts)


def _may_ask(now: datetime) -> bool:
    """Whether there is a notary, and the tenant wants notaries to be asked."""
    return AdapterConfig.objects.filter(port=Port.NOTARY.value, enabled=True).exists() and demand_at(now).asks


def _verified() -> QuerySet[NotaryRecord]:
    return NotaryRecord.objects.select_related("adapter").filter(state=NotaryRecord.State.VERIFIED)


def _stamped_checkpoints() -> int:
    return _verified().filter(subject__startswith=f"{CHECKPOINT}:").count()


def _independent_kinds() -> list[str]:
    kinds = registry.kinds_of(Port.NOTARY)
    return [name for name, kind in kinds.items() if Capability.INDEPENDENT in kind.load().capabilities]


def _stamp(record: NotaryRecord) -> Stamp:
    assert record.attested_at is not None
    return Stamp(
        subject=record.subject,
        digest=record.digest,
        notary=record.adapter.name,
        kind=record.adapter.kind,
        independent=record.adapter.kind in _independent_kinds(),
        response=bytes(record.response),
        is_rfc3161=bool(record.request),
        attested_at=record.attested_at,
        trust_anchor_pem=record.trust_anchor_pem,
    )
