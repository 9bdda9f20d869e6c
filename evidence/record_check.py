"""Whether sealed bundles and finished packs are what the ledger vouches for: a part of `manage.py verify_ledger`."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from conductor.ledger import blobs
from conductor.ledger.models import Receipt
from conductor.ledger.verify.records import RecordReport
from conductor.lib.refs import parse_ref
from evidence.bundles import manifest
from evidence.bundles.naming import pack_name
from evidence.bundles.sealed import artifacts_of
from evidence.bundles.verification import SEALED, differences_of, vouched_for
from evidence.models import Artifact, EvidenceBundle, Pack

PACKED = "evidence.pack.verified"


def check_bundles(read_files: bool) -> RecordReport:
    """Compare every sealed bundle of the active tenant with its manifest, and that with the seal in the log."""
    report = RecordReport("sealed bundles")
    found = EvidenceBundle.objects.select_related("environment")
    for bundle in found.filter(Q(status="SEALED") | Q(manifest__isnull=False)).order_by("number").iterator(100):
        report.looked_at += 1
        report.faults.extend(f"{bundle.code}: {fault}" for fault in _bundle_faults(bundle))
        if read_files:
            report.faults.extend(f"{bundle.code}: {fault}" for fault in _file_faults(bundle))
    report.faults.extend(_lost_seals())
    if not read_files and (files := Artifact.objects.filter(bundle__status="SEALED").count()):
        report.unread = f"{files} artifact {'file' if files == 1 else 'files'}"
    return report


def check_packs(read_files: bool) -> RecordReport:
    """Compare the digests and the verdict of every finished pack with the receipt about them."""
    report = RecordReport("finished packs")
    for pack in Pack.objects.select_related("bundle").filter(status="READY").order_by("requested_at").iterator(100):
        report.looked_at += 1
        report.faults.extend(f"{pack_name(pack)}: {fault}" for fault in _pack_faults(pack, read_files))
    if not read_files and report.looked_at:
        report.unread = f"{2 * report.looked_at} pack files"
    return report


def _bundle_faults(bundle: EvidenceBundle) -> Iterator[str]:
    if bundle.manifest is None:
        yield "its manifest is gone"
        return
    if manifest.digest_of(bundle.manifest) != bundle.manifest_digest:
        yield "the manifest is not the one that its digest names"
    seal = Receipt.objects.filter(id=bundle.seal_receipt_id or bundle.id, action=SEALED, subject=bundle.ref).first()
    if seal is None:
        yield "the receipt of its seal is missing"
    elif {each["name"]: each["digest"] for each in seal.subjects} != vouched_for(bundle):
        yield "the receipt of its seal vouches for another manifest or other files"
    yield from (str(each) for each in differences_of(bundle))


def _file_faults(bundle: EvidenceBundle) -> Iterator[str]:
    for artifact in artifacts_of(bundle):
        if not blobs.verify(tenant_id=bundle.tenant_id, digest=artifact.digest):
            yield f"the stored bytes of {artifact.path} are gone or changed"


def _lost_seals() -> Iterator[str]:
    """Yield the seals in the log whose bundle is gone, open again, or sealed by another receipt."""
    seals = dict(EvidenceBundle.objects.filter(status="SEALED").values_list("id", "seal_receipt_id"))
    by_ref = {f"evidence.bundle:{key}": receipt for key, receipt in seals.items()}
    for receipt in Receipt.objects.filter(action=SEALED).order_by("recorded_at", "id").iterator(500):
        if by_ref.get(receipt.subject) != receipt.id:
            there = EvidenceBundle.objects.filter(id=parse_ref(receipt.subject)[1]).first()
            state = f"its row is {there.get_status_display().lower()}" if there else "its row is gone"
            entry = receipt.leaf_index if receipt.leaf_index is not None else "pending"
            yield f"{receipt.subject_name}: sealed by log entry {entry}, but {state}"


def _pack_faults(pack: Pack, read_files: bool) -> Iterator[str]:
    receipt = Receipt.objects.filter(action=PACKED, subject=pack.ref).order_by("recorded_at").first()
    if receipt is None:
        yield "no receipt tells of its making"
        return
    stored = {f"{pack_name(pack)}.pdf": pack.pdf_digest, f"{pack_name(pack)}.zip": pack.zip_digest}
    signed = {each["name"]: each["digest"] for each in receipt.subjects}
    for name in sorted({*stored, *signed}):
        if stored.get(name) != signed.get(name):
            yield f"{name}: signed {signed.get(name)}, stored {stored.get(name)}"
    if (pack.verdict or {}).get("verified") != receipt.body.get("verified"):
        yield f"verified: signed {receipt.body.get('verified')}, stored {(pack.verdict or {}).get('verified')}"
    for digest in stored.values() if read_files else ():
        if not blobs.verify(tenant_id=pack.tenant_id, digest=digest):
            yield f"stored bytes are gone or changed: {digest}"
