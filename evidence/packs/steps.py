"""The steps that make a pack: draw its PDF, vouch for its files, put the ZIP together and verify it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from conductor.console.documents.documents import Attachment, render_pdf
from conductor.engine.define.context import StepContext, Wait
from conductor.ledger import blobs
from conductor.ledger.selectors import NotYetSequenced
from conductor.lib.canonical import canonical_json
from conductor.tenancy.database.scope import tenant_scope
from evidence.bundles import manifest
from evidence.bundles.selectors import pack_by_id
from evidence.models import EvidenceBundle, Pack
from evidence.packs.contents import contents_of, files_of, put_together, verdict_on
from evidence.packs.document.context import document_context
from evidence.packs.lifecycle import fail_pack, finish_pack, keep_report, vouch_for_pack

TEMPLATE = "evidence/packs/document.html"
SEQUENCING = timedelta(seconds=1)


def render_pack(ctx: StepContext) -> dict[str, Any]:
    """Draw the PDF from what the verification found, good or bad. The same findings give the same bytes."""
    with tenant_scope(ctx.tenant_id):
        pack = _pack(ctx)
        bundle, context = pack.bundle, document_context(pack=pack)
    ctx.heartbeat()
    report = draw(bundle, context)
    stored = blobs.put(tenant_id=ctx.tenant_id, data=report)
    with tenant_scope(ctx.tenant_id):
        keep_report(pack=pack, report=stored)
    ctx.log("drawn", size_bytes=stored.size_bytes, digest=stored.digest)
    return {"digest": stored.digest, "size_bytes": stored.size_bytes, "verdict": context["document"]["verdict"]}


def draw(bundle: EvidenceBundle, context: dict[str, Any]) -> bytes:
    """Return the PDF of a sealed bundle; its dates and identifier are the seal's."""
    if bundle.sealed_at is None:
        raise ValueError(f"{bundle.code} is not sealed")
    attached = Attachment(
        name=manifest.FILE,
        data=canonical_json(bundle.manifest),
        description=f"The manifest of {bundle.code}",
        created=bundle.sealed_at,
    )
    return render_pdf(
        template=TEMPLATE,
        context=context,
        title=f"Evidence Pack {bundle.code}: {bundle.title}",
        created=bundle.sealed_at,
        identifier=str(bundle.id),
        attachments=[attached],
    )


def vouch(ctx: StepContext) -> dict[str, Any]:
    """Write the receipt that names every file of the pack."""
    with tenant_scope(ctx.tenant_id):
        pack = _pack(ctx)
        files, subjects = files_of(contents_of(pack))
        receipt = vouch_for_pack(pack=pack, files=files, subjects=subjects, actor=ctx.actor, now=ctx.now())
    ctx.log("vouched for", files=len(files))
    return {"receipt_id": str(receipt.id), "files": len(files)}


def assemble_pack(ctx: StepContext) -> dict[str, Any]:
    """Put the ZIP together once the receipt is in the log, and have the stand-alone verifier judge it."""
    ctx.heartbeat()
    try:
        with tenant_scope(ctx.tenant_id):
            pack = _pack(ctx)
            if pack.status == Pack.Status.READY:
                return _ready(pack)
            archive = put_together(pack, contents_of(pack))
    except NotYetSequenced as waiting:
        raise Wait(until=ctx.now() + SEQUENCING, reason=waiting.detail) from waiting
    with tenant_scope(ctx.tenant_id):
        verdict = verdict_on(archive, pack=pack)
    stored = blobs.put(tenant_id=ctx.tenant_id, data=archive)
    ctx.heartbeat()
    with tenant_scope(ctx.tenant_id):
        pack = finish_pack(pack=pack, archive=stored, verdict=verdict, actor=ctx.actor, now=ctx.now())
    ctx.log("assembled", size_bytes=stored.size_bytes, verified=verdict["verified"])
    return _ready(pack)


def give_up_pack(ctx: StepContext) -> dict[str, Any]:
    """After a failure: say that there will be no pack."""
    with tenant_scope(ctx.tenant_id):
        pack = fail_pack(pack=_pack(ctx), error=f"{ctx.run_code} failed.", actor=ctx.actor, now=ctx.now())
    return {"status": pack.status}


def _pack(ctx: StepContext) -> Pack:
    return pack_by_id(ctx.input["pack_id"])


def _ready(pack: Pack) -> dict[str, Any]:
    verdict = pack.verdict or {"verified": False}
    return {"digest": pack.zip_digest, "size_bytes": pack.zip_size_bytes, "verified": verdict["verified"]}
