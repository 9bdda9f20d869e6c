"""A pack is requested, rendered, vouched for and finished, or fails. A finished one is never changed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from adapters.models.adapter import NotaryRecord
from adapters.notaries.demands import demand_at, independent_vouchers
from conductor.engine.lifecycle.starting import start_run
from conductor.ledger.blobs import BlobInfo
from conductor.ledger.models import Receipt
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor, require
from evidence.bundles.lifecycle import BundleNotSealed
from evidence.bundles.naming import GENERATE_PACK, pack_name
from evidence.models import EvidenceBundle, Pack


class PackNotRendering(Conflict):
    """The pack is finished, or has failed."""

    code = "pack_not_rendering"


class BundleNotReleasable(Conflict):
    """Fewer notaries have vouched for the bundle than your organisation demanded when it was sealed."""

    code = "bundle_not_releasable"


def request_pack(*, bundle: EvidenceBundle, actor: Actor, now: datetime, idempotency_key: str = "") -> Pack:
    """Queue the making of a pack of a sealed bundle and return it; with a known key, return the one it made.

    `pack.run` is the run that makes it. Raise BundleNotSealed for a bundle that may still change,
    BundleNotReleasable for one that notaries have not vouched for as demanded.
    """
    require(actor=actor, permission="collect_evidence")
    if not bundle.is_sealed:
        raise BundleNotSealed(f"{bundle.code} is not sealed, so there is nothing final to pack.")
    _hold(bundle)
    if idempotency_key and (found := Pack.objects.filter(idempotency_key=idempotency_key).first()):
        return found
    try:
        with transaction.atomic():
            # One at a time: the row lock keeps the numbers of a bundle's packs apart.
            EvidenceBundle.objects.select_for_update().get(id=bundle.id)
            return _create(bundle, actor, now, idempotency_key)
    except IntegrityError:
        return Pack.objects.get(idempotency_key=idempotency_key)


def _hold(bundle: EvidenceBundle) -> None:
    """Raise BundleNotReleasable while fewer notaries have vouched than were demanded when the bundle was sealed."""
    assert bundle.sealed_at is not None
    demand, count = demand_at(bundle.sealed_at), independent_vouchers(bundle.manifest_digest)
    if not demand.is_met_by(count):
        raise BundleNotReleasable(
            f"{bundle.code} is sealed and not released: {count} of {demand.needed} notaries have vouched for it."
        )


def keep_report(*, pack: Pack, report: BlobInfo) -> Pack:
    """Note which stored bytes are the pack's PDF. Raise PackNotRendering once the pack is over."""
    fields = {"pdf_digest": report.digest, "pdf_size_bytes": report.size_bytes}
    if not Pack.objects.filter(id=pack.id, status=Pack.Status.RENDERING).update(**fields):
        raise PackNotRendering
    pack.refresh_from_db()
    return pack


def vouch_for_pack(
    *,
    pack: Pack,
    files: Sequence[Mapping[str, Any]],
    subjects: Sequence[Mapping[str, str]],
    actor: Actor,
    now: datetime,
) -> Receipt:
    """Append the receipt that names every file of the pack with its digest, or return the one that is there already.

    `files` are {"path", "digest", "size_bytes"}. The pack can be put together once the receipt is in the log.
    """
    with transaction.atomic():
        current = Pack.objects.select_for_update().get(id=pack.id)
        if current.receipt_id:
            return Receipt.objects.get(id=current.receipt_id)
        if current.status != Pack.Status.RENDERING:
            raise PackNotRendering
        body = {"bundle": pack.bundle.code, "manifest": pack.bundle.manifest_digest, "files": len(files)}
        receipt = _receipt(pack, "evidence.pack.generated", actor, now, body, subjects)
        Pack.objects.filter(id=pack.id).update(receipt_id=receipt.id, files=[dict(each) for each in files])
    pack.refresh_from_db()
    return receipt


def finish_pack(*, pack: Pack, archive: BlobInfo, verdict: Mapping[str, Any], actor: Actor, now: datetime) -> Pack:
    """Make the pack available with the verifier's verdict on it, whichever it is. Raise PackNotRendering."""
    with transaction.atomic():
        changed = Pack.objects.filter(id=pack.id, status=Pack.Status.RENDERING).update(
            status=Pack.Status.READY,
            zip_digest=archive.digest,
            zip_size_bytes=archive.size_bytes,
            verdict=dict(verdict),
            ready_at=now,
        )
        if not changed:
            raise PackNotRendering
        files = [
            {"name": f"{pack_name(pack)}.pdf", "digest": pack.pdf_digest},
            {"name": f"{pack_name(pack)}.zip", "digest": archive.digest},
        ]
        _receipt(pack, "evidence.pack.verified", actor, now, {"verified": verdict["verified"]}, files)
    pack.refresh_from_db()
    return pack


def fail_pack(*, pack: Pack, error: str, actor: Actor, now: datetime) -> Pack:
    """Record that there will be no pack, and why. A pack that is over stays as it is."""
    with transaction.atomic():
        changed = Pack.objects.filter(id=pack.id, status=Pack.Status.RENDERING).update(
            status=Pack.Status.FAILED, error=error[:500]
        )
        if changed:
            _receipt(pack, "evidence.pack.failed", actor, now, {"error": error[:500]}, [])
    pack.refresh_from_db()
    return pack


def _create(bundle: EvidenceBundle, actor: Actor, now: datetime, idempotency_key: str) -> Pack:
    last = Pack.objects.filter(bundle=bundle).aggregate(last=Max("number"))["last"] or 0
    notary = NotaryRecord.objects.filter(digest=bundle.manifest_digest, state=NotaryRecord.State.VERIFIED)
    pack = Pack.objects.create(
        tenant_id=bundle.tenant_id,
        bundle=bundle,
        number=last + 1,
        inputs={"notary": [str(each) for each in notary.order_by("id").values_list("id", flat=True)]},
        requested_by_name=actor.name,
        requested_at=now,
        idempotency_key=idempotency_key,
    )
    _receipt(pack, "evidence.pack.requested", actor, now, {"bundle": bundle.code}, [])
    pack.run = start_run(
        tenant_id=bundle.tenant_id,
        workflow=GENERATE_PACK,
        title=f"Evidence Pack {pack_name(pack)}",
        input={"pack_id": str(pack.id)},
        subject=bundle.ref,
        environment_id=bundle.environment_id,
        actor=actor,
        now=now,
        dedup_key=f"pack:{pack.id}",
    )
    pack.save(update_fields=["run"])
    return pack


def _receipt(
    pack: Pack,
    action: str,
    actor: Actor,
    now: datetime,
    body: Mapping[str, Any],
    subjects: Sequence[Mapping[str, str]],
) -> Receipt:
    links: list[Ref] = [pack.bundle.ref]
    if pack.run_id:
        links.append(ref("conductor.run", pack.run_id))
    return append(
        tenant_id=pack.tenant_id,
        action=action,
        subject=pack.ref,
        subject_name=pack_name(pack),
        actor=actor,
        now=now,
        body=body,
        subjects=subjects,
        links=links,
    )
