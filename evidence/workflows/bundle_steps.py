"""Steps that every evidence workflow ends with: seal, notarize, ask for the pack; or give the bundle up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from adapters.models.adapter import NotaryRecord
from adapters.notaries.demands import demand_at, independent_vouchers
from adapters.notaries.lifecycle import notarize
from conductor.engine.define.context import StepContext, Wait
from conductor.lib.refs import ref
from conductor.policy.decisions import PolicyDenied, keep_refusal
from conductor.tenancy.database.scope import tenant_scope
from evidence.bundles.findings import conclusion_of
from evidence.bundles.lifecycle import abandon_bundle
from evidence.bundles.sealing import ReceiptsUnsequenced
from evidence.bundles.sealing import seal_bundle as seal
from evidence.models import EvidenceBundle
from evidence.packs.lifecycle import request_pack
from evidence.workflows.collection import bundle_of

SEQUENCING = timedelta(seconds=1)
NOTARY_TRIES = 3
"""Tries after which the bundle goes on without the notaries that do not answer; their records stay pending."""


NOTARY_PAUSE = timedelta(minutes=1)
"""How long the run sleeps before it asks notaries again that are required."""


class NotaryUnavailable(Exception):
    """A notary did not answer, or its answer did not hold; the step is tried again."""


def seal_bundle(ctx: StepContext) -> dict[str, Any]:
    """Seal the run's bundle with the conclusion that follows from its findings; wait for its receipts first."""
    ctx.heartbeat()
    try:
        with tenant_scope(ctx.tenant_id):
            bundle = bundle_of(ctx)
            if not bundle.is_sealed:
                bundle = seal(
                    bundle=bundle,
                    conclusion=conclusion_of(bundle.findings),
                    effective_to=_end_of(bundle, ctx.now()),
                    actor=ctx.actor,
                    now=ctx.now(),
                )
    except ReceiptsUnsequenced as waiting:
        raise Wait(until=ctx.now() + SEQUENCING, reason=waiting.detail) from waiting
    except PolicyDenied as denied:
        keep_refusal(denied)
        raise
    ctx.log("sealed", bundle=bundle.code, conclusion=bundle.conclusion, manifest=bundle.manifest_digest)
    return {"bundle": bundle.code, "conclusion": bundle.conclusion, "manifest_digest": bundle.manifest_digest}


def _end_of(bundle: EvidenceBundle, now: datetime) -> datetime | None:
    """Return the end of an incident, which another machine's clock may have put ahead of ours; else None."""
    resolved_at = bundle.incident.resolved_at if bundle.incident else None
    return min(resolved_at, now) if resolved_at else None


def notarize_bundle(ctx: StepContext) -> dict[str, Any]:
    """Have every enabled notary vouch for the manifest's digest, as the tenant demanded when it was sealed.

    Sealing does not depend on it, so it never fails: what is required is waited for, which holds up release only.
    """
    with tenant_scope(ctx.tenant_id):
        bundle = bundle_of(ctx)
        assert bundle.sealed_at is not None
        demand = demand_at(bundle.sealed_at)
    if not demand.asks:
        return {"asked": 0, "verified": 0}
    ctx.heartbeat()
    records = notarize(
        tenant_id=ctx.tenant_id,
        subject=bundle.ref,
        digest=bundle.manifest_digest,
        environment_id=bundle.environment_id,
        now=ctx.now(),
    )
    verified = sum(record.state == NotaryRecord.State.VERIFIED for record in records)
    ctx.log("notaries asked", verified=verified, asked=len(records))
    with tenant_scope(ctx.tenant_id):
        independent = independent_vouchers(bundle.manifest_digest)
    if not demand.is_met_by(independent):
        why = f"{independent} of {demand.needed} notaries that are required have vouched for {bundle.code}."
        raise Wait(until=ctx.now() + NOTARY_PAUSE, reason=why)
    if not demand.needed and verified < len(records) and ctx.attempt < NOTARY_TRIES:
        raise NotaryUnavailable(f"{verified} of {len(records)} notaries have vouched for {bundle.code}.")
    return {"asked": len(records), "verified": verified}


def ask_for_pack(ctx: StepContext) -> dict[str, Any]:
    """Request the pack of the sealed bundle, which a run of its own makes. Return what the whole run came to.

    That is the run's output, for programs that ask for it: its ids, tenant, environment, controls, window and result,
    as they stand in the signed manifest.
    """
    with tenant_scope(ctx.tenant_id):
        bundle = bundle_of(ctx)
        pack = request_pack(bundle=bundle, actor=ctx.actor, now=ctx.now(), idempotency_key=ctx.idempotency_key)
        assert bundle.manifest is not None
        header = bundle.manifest["bundle"]
        return {
            "run": ctx.run_code,
            "tenant": header["tenant"]["slug"],
            "environment": header["environment"],
            "controls": [each["key"] for each in bundle.manifest["controls"]],
            "window": header["period"],
            "bundle": header["code"],
            "conclusion": header["conclusion"],
            "manifest_digest": bundle.manifest_digest,
            "pack_id": str(pack.id),
            "pack_run": pack.run.code if pack.run else "",
        }


def give_up_bundle(ctx: StepContext) -> dict[str, Any]:
    """After a failure: abandon the bundle unless it is sealed or was never opened."""
    with tenant_scope(ctx.tenant_id):
        bundle = EvidenceBundle.objects.filter(run_id=ctx.run_id).order_by("number").first()
        if bundle is None or bundle.status in (EvidenceBundle.Status.SEALED, EvidenceBundle.Status.ABANDONED):
            return {"abandoned": False}
        reason = f"{ctx.run_code} failed before the evidence was complete."
        abandon_bundle(bundle=bundle, reason=reason, actor=ctx.actor, now=ctx.now())
    return {"abandoned": True, "bundle": ref("evidence.bundle", bundle.id)}
