"""What goes into a pack, gathered from rows and stored bytes, and the verdict of the verifier that travels with it.

A pack is a function of the sealed bundle, of what was chosen when it was requested (Pack.inputs) and of its PDF: the
same pack can be put together again after a crash, and its bytes are the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Q

from adapters.models.adapter import NotaryRecord
from conductor.ledger import blobs
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL, PublicKey
from conductor.ledger.models import Receipt
from conductor.ledger.selectors import inclusion_proofs, latest_checkpoint
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import Tenant
from evidence.bundles.naming import pack_name
from evidence.bundles.sealed import artifacts_of, as_signed
from evidence.models import EvidenceBundle, Pack
from evidence.pack_format import verify
from evidence.pack_format.assembly import assemble
from evidence.pack_format.layout import NotaryToken, PackContents, SequencedReceipt, pack_files, subjects

VERIFIER_SECONDS = 120


class VerifierFailed(RuntimeError):
    """The verifier could not run, so that there is no verdict."""


def receipts_behind(bundle: EvidenceBundle) -> list[Receipt]:
    """Return the receipts that led to the bundle's seal, in log order, the seal's last.

    They are those about the bundle, its run and its incident that were in the log by then: a set that never changes.
    """
    seal = Receipt.objects.get(id=_known(bundle.seal_receipt_id))
    about = Q()
    for each in _refs(bundle):
        about |= Q(subject=each) | Q(links__contains=[each])
    return list(Receipt.objects.filter(about, leaf_index__lte=seal.leaf_index).order_by("leaf_index"))


def notary_records(pack: Pack) -> list[NotaryRecord]:
    """Return what notaries had said of the manifest when the pack was requested."""
    chosen = NotaryRecord.objects.select_related("adapter").filter(id__in=pack.inputs.get("notary", []))
    return list(chosen.order_by("id"))


def contents_of(pack: Pack) -> PackContents:
    """Return everything that goes into the pack before its own receipt, as it was signed.

    Artifacts whose bytes are gone are left out.
    """
    bundle, behind = pack.bundle, receipts_behind(pack.bundle)
    tenant = Tenant.objects.get(id=pack.tenant_id)
    records = notary_records(pack)
    local = [record for record in records if not bytes(record.request)]
    return PackContents(
        name=pack_name(pack),
        title=as_signed(bundle).title,
        organisation=tenant.name,
        created_on=pack.requested_at.date(),
        manifest=canonical_json(bundle.manifest),
        artifacts=_artifacts(bundle),
        report=blobs.read(tenant_id=pack.tenant_id, digest=pack.pdf_digest),
        receipts=[receipt.envelope or {} for receipt in behind],
        seal_keys=_seal_keys(pack, behind),
        log_key=_keys_at(pack, LOG)[0],
        notary_tokens=[_token(number, record) for number, record in enumerate(records, start=1)],
        notary_key=PublicKey.from_pem(local[0].trust_anchor_pem) if local else None,
    )


def listing(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return path, digest and size of each file, by path: what Pack.files keeps."""
    return [{"path": path, "digest": sha256_hex(files[path]), "size_bytes": len(files[path])} for path in sorted(files)]


def files_of(contents: PackContents) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the pack's files as Pack.files keeps them, and as its receipt vouches for them."""
    files = pack_files(contents)
    return listing(files), subjects(files)


def put_together(pack: Pack, contents: PackContents) -> bytes:
    """Return the finished ZIP; raise NotYetSequenced until the receipt is in the log, PackRefused if it is amiss."""
    own = Receipt.objects.get(id=_known(pack.receipt_id))
    behind = receipts_behind(pack.bundle)
    checkpoint = latest_checkpoint()
    proofs = inclusion_proofs(receipts=[own, *behind], checkpoint=checkpoint)
    placed = [
        SequencedReceipt(receipt.envelope or {}, proof.leaf_index, proof.hashes)
        for receipt, proof in zip([own, *behind], proofs, strict=True)
    ]
    return assemble(contents=contents, pack=placed[0], receipts=placed[1:], note=proofs[0].checkpoint)


def verdict_on(archive: bytes, *, pack: Pack) -> dict[str, Any]:
    """Return the stand-alone verifier's report on the ZIP, run as an auditor would: by itself, in its own process."""
    with tempfile.TemporaryDirectory(prefix="pack-") as folder:
        path = Path(folder, f"{pack_name(pack)}.zip")
        path.write_bytes(archive)
        arguments = [str(path), "--json", *_trust(pack, Path(folder))]
        done = subprocess.run(  # noqa: S603 - our own script on our own file
            [sys.executable, "-I", verify.__file__, *arguments],
            capture_output=True,
            timeout=VERIFIER_SECONDS,
            check=False,
        )
    if done.returncode not in verify.STATUS.values():
        raise VerifierFailed(done.stderr.decode(errors="replace").strip()[:500])
    report: dict[str, Any] = json.loads(done.stdout)
    if report["verified"] != (done.returncode == 0):
        raise VerifierFailed("the verifier's report and its exit status disagree")
    return report


def _known(receipt_id: UUID | None) -> UUID:
    if receipt_id is None:
        raise ValueError("the bundle is not sealed, or the pack has no receipt yet")
    return receipt_id


def _refs(bundle: EvidenceBundle) -> list[Ref]:
    refs = [bundle.ref]
    if bundle.run_id:
        refs.append(ref("conductor.run", bundle.run_id))
    if bundle.incident_id:
        refs.append(ref("incidents.incident", bundle.incident_id))
    return refs


def _keys_at(pack: Pack, purpose: str) -> list[PublicKey]:
    """Return the keys that were known when the pack was requested, newest first.

    They are among the pack's files, so a rotation in the middle of its making must not change them; it makes the
    pack fail, and the next one is right.
    """
    periods = keyring().of(purpose)
    return [each.key for each in reversed(periods) if not each.valid_from or each.valid_from <= pack.requested_at]


def _seal_keys(pack: Pack, behind: Sequence[Receipt]) -> list[PublicKey]:
    """Return the key in force, then older ones that signed what led here."""
    present, *older = _keys_at(pack, SEAL)
    used = {each["keyid"] for receipt in behind for each in (receipt.envelope or {})["signatures"]}
    return [present, *(key for key in older if key.fingerprint in used)]


def _artifacts(bundle: EvidenceBundle) -> dict[str, bytes]:
    found = {}
    for artifact in artifacts_of(bundle):
        try:
            found[artifact.path] = blobs.read(tenant_id=bundle.tenant_id, digest=artifact.digest)
        except blobs.BlobMissing:
            continue  # the verifier names the file that the manifest lists and the pack lacks
    return found


def _token(number: int, record: NotaryRecord) -> NotaryToken:
    return NotaryToken(
        name=f"{record.adapter.kind}-{number}",
        response=bytes(record.response),
        request=bytes(record.request),
        attested_at=record.attested_at,
    )


def _trust(pack: Pack, folder: Path) -> list[str]:
    """Return what this installation knows of keys, as the verifier's arguments."""
    ring = keyring()
    arguments = [word for key in ring.keys(SEAL) for word in ("--seal-key-fingerprint", key.fingerprint)]
    arguments += [word for key in ring.keys(LOG) for word in ("--log-key-fingerprint", key.fingerprint)]
    roots: Sequence[str] = [r.trust_anchor_pem for r in notary_records(pack) if bytes(r.request)]
    if roots:
        path = folder / "tsa-roots.pem"
        path.write_text("\n".join(roots))
        arguments += ["--tsa-root", str(path)]
    for record in notary_records(pack):
        if not bytes(record.request):
            arguments += ["--notary-key-fingerprint", PublicKey.from_pem(record.trust_anchor_pem).fingerprint]
    return arguments
