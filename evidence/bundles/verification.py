"""Verifying a bundle where it stands: bytes against digests, manifest, seal receipt and log, notaries.

The same chain is printed on the pack's cover; the pack's own verifier then repeats it without any of this code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from adapters.models.adapter import NotaryRecord
from adapters.notaries.demands import independent_kinds
from conductor.ledger import blobs, statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import Keyring, keyring
from conductor.ledger.log import checkpoint, merkle
from conductor.ledger.log.entry import log_entry
from conductor.ledger.log.sequencer import content_of
from conductor.ledger.models import Receipt
from conductor.ledger.selectors import NotYetSequenced, inclusion_proof
from conductor.ledger.verify.verification import signed_text, signer_of
from evidence.bundles import manifest
from evidence.bundles.sealed import Difference, artifacts_of, differences
from evidence.models import Artifact, EvidenceBundle

SEALED = "evidence.bundle.sealed"
NOBODY = "Nobody outside this installation has vouched for this"
NAMED = 5
"""Fields that differ which a link names; the report has all of them."""
OK, WAIT, BAD = "ok", "wait", "bad"


@dataclass(frozen=True)
class ArtifactCheck:
    """Whether an artifact's stored bytes still have its digest."""

    artifact: Artifact
    matches: bool


@dataclass(frozen=True)
class Link:
    """One link of the chain."""

    key: str
    """artifacts, manifest, seal, notary."""
    title: str
    state: str
    """ok, wait or bad."""
    detail: str
    """A few words: `14 of 14 match`."""


@dataclass(frozen=True)
class ChainReport:
    """What was verified of a bundle, and how it came out."""

    links: list[Link]
    """Artifacts, manifest, seal, notary: in this order."""
    artifacts: list[ArtifactCheck]
    leaf_index: int | None
    """Place of the seal's receipt in the log."""
    notary: list[NotaryRecord]
    differences: list[Difference] = field(default_factory=list)
    """Where rows differ from the sealed manifest, field by field."""

    @property
    def is_verified(self) -> bool:
        """Whether everything that can be verified without a notary was. A notary's refusal spoils it."""
        states = {link.key: link.state for link in self.links}
        return all(states[key] == OK for key in ("artifacts", "manifest", "seal")) and states["notary"] != BAD

    @property
    def is_broken(self) -> bool:
        return any(link.state == BAD for link in self.links)

    @property
    def damaged(self) -> list[str]:
        """Paths of the artifacts whose bytes are gone or changed."""
        return [check.artifact.path for check in self.artifacts if not check.matches]

    @property
    def verdict(self) -> str:
        if self.is_broken:
            return "Not verified"
        return "Verified" if self.is_verified else "Not sealed yet"


def verify_bundle(bundle: EvidenceBundle) -> ChainReport:
    """Verify the bundle from its bytes to its notaries, in the tenant's scope. Reads every artifact, writes nothing."""
    rows = list(bundle.artifacts.order_by("path"))
    artifacts = artifacts_of(bundle, rows=rows)
    checks = [ArtifactCheck(each, blobs.verify(tenant_id=bundle.tenant_id, digest=each.digest)) for each in artifacts]
    receipt = Receipt.objects.filter(id=bundle.seal_receipt_id).first() if bundle.seal_receipt_id else None
    asked = NotaryRecord.objects.select_related("adapter").filter(digest=bundle.manifest_digest or "-")
    records = list(asked.order_by("created_at"))
    altered = differences_of(bundle, rows=rows)
    links = [
        _artifacts_link(bundle, checks),
        _manifest_link(bundle, altered),
        _seal_link(bundle, receipt),
        _notary_link(bundle, records),
    ]
    return ChainReport(links, checks, receipt.leaf_index if receipt else None, records, altered)


def differences_of(bundle: EvidenceBundle, *, rows: list[Artifact] | None = None) -> list[Difference]:
    """Return where the bundle's rows differ from its manifest, or from the log that has its seal. Three queries.

    `rows` are the artifacts by path, where they were read already.
    """
    rows = list(bundle.artifacts.order_by("path")) if rows is None else rows
    covers = bundle.covers.select_related("control")
    found = differences(bundle, artifacts=rows, covers=covers)
    if bundle.manifest is None and _seals_of(bundle).exists():
        found.append(Difference("status", EvidenceBundle.Status.SEALED.value, str(bundle.status)))
    return found


def _seals_of(bundle: EvidenceBundle) -> QuerySet[Receipt]:
    return Receipt.objects.filter(action=SEALED, subject=bundle.ref).order_by("recorded_at", "id")


def _artifacts_link(bundle: EvidenceBundle, checks: Sequence[ArtifactCheck]) -> Link:
    matching = sum(check.matches for check in checks)
    if matching < len(checks):
        return Link("artifacts", "Artifacts", BAD, f"{matching} of {len(checks)} match")
    if not bundle.is_sealed:
        return Link("artifacts", "Artifacts", WAIT, f"{len(checks)} so far, all match" if checks else "None yet")
    return Link("artifacts", "Artifacts", OK, f"{matching} of {len(checks)} match")


def _manifest_link(bundle: EvidenceBundle, altered: Sequence[Difference]) -> Link:
    if bundle.manifest is None and not altered:
        return Link("manifest", "Manifest", WAIT, "Written at sealing")
    if bundle.manifest is not None and manifest.digest_of(bundle.manifest) != bundle.manifest_digest:
        return Link("manifest", "Manifest", BAD, "Digest differs")
    if altered:
        named = ", ".join(each.field for each in altered[:NAMED])
        rest = f" and {len(altered) - NAMED} more" if len(altered) > NAMED else ""
        return Link("manifest", "Manifest", BAD, f"Changed after the seal: {named}{rest}")
    return Link("manifest", "Manifest", OK, "Digest recomputed, every field compared")


def _seal_link(bundle: EvidenceBundle, receipt: Receipt | None) -> Link:
    if not bundle.is_sealed:
        return Link("seal", "Seal", WAIT, "Not sealed yet")
    if receipt is None:
        return Link("seal", "Seal", BAD, "Receipt is missing")
    try:
        faults = list(_seal_faults(bundle, receipt, keyring()))
    except NotYetSequenced:
        return Link("seal", "Seal", WAIT, "Being signed and logged")
    except (dsse.EnvelopeRefused, statement.StatementRefused, checkpoint.CheckpointRefused, merkle.ProofRefused) as why:
        faults = [str(why)]
    if faults:
        return Link("seal", "Seal", BAD, faults[0][:200])
    return Link("seal", "Seal", OK, f"Log entry {receipt.leaf_index}")


def _seal_faults(bundle: EvidenceBundle, receipt: Receipt, ring: Keyring) -> Iterator[str]:
    """Yield what is wrong with the seal's receipt: its signature, what it vouches for, its place in the log."""
    proof = inclusion_proof(receipt=receipt)
    envelope = dsse.Envelope.from_dict(receipt.envelope or {})
    seal = signer_of(envelope=envelope, keyring=ring).key
    if dsse.verify(envelope=envelope, keys=[seal]) != statement.receipt(content_of(receipt, bundle.tenant.slug)):
        yield "The receipt says something else than what was signed"
    if first := _seals_of(bundle).exclude(id=receipt.id).first():
        yield f"The log has another seal of {bundle.code}, entry {first.leaf_index}"
    if receipt.action != SEALED or receipt.subject != bundle.ref:
        yield f"The receipt is not the seal of {bundle.code}"
    vouched = {each["name"]: each["digest"] for each in receipt.subjects}
    if vouched != vouched_for(bundle):
        yield "The receipt vouches for other files"
    origin = checkpoint.origin_of(log_name=settings.CONDUCTOR_LOG_NAME, tenant_id=UUID(str(bundle.tenant_id)))
    state = checkpoint.parse(signed_text(note=proof.checkpoint, origin=origin, keyring=ring)[0])
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(log_entry(envelope=envelope, key=seal)),
        index=proof.leaf_index,
        size=state.tree_size,
        proof=[bytes.fromhex(each) for each in proof.hashes],
        root_hash=state.root_hash,
    )


def vouched_for(bundle: EvidenceBundle) -> dict[str, str]:
    """Return what the seal must vouch for, from the manifest as it is now."""
    document = bundle.manifest or {"artifacts": []}
    listed = {manifest.subject_name(each["path"]): each["digest"] for each in document.get("artifacts", [])}
    return {manifest.FILE: manifest.digest_of(document), **listed}


def _notary_link(bundle: EvidenceBundle, records: Sequence[NotaryRecord]) -> Link:
    """Return who vouches for the manifest. Our own key is a witness to itself: it never makes a bundle notarized."""
    states = [record.state for record in records]
    if refused := states.count(NotaryRecord.State.REJECTED):
        return Link("notary", "Notarized", BAD, f"{refused} of {len(states)} refused")
    outside = [record.state for record in records if record.adapter.kind in independent_kinds()]
    if verified := outside.count(NotaryRecord.State.VERIFIED):
        return Link("notary", "Notarized", OK, f"{verified} of {len(outside)} outside authorities verified")
    if not bundle.is_sealed:
        return Link("notary", "Not notarized", WAIT, "After sealing")
    waiting = f". {len(outside)} asked, none has answered" if outside else ""
    own = ". Stamped by our own key only: a self-witness" if NotaryRecord.State.VERIFIED in states else ""
    return Link("notary", "Not notarized", WAIT, f"{NOBODY}{own}{waiting}")
