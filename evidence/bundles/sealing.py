"""Sealing: every byte verified, every receipt in the log, policy asked; after it the database refuses any change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from adapters.notaries.lifecycle import want_notarized
from conductor.ledger import blobs
from conductor.ledger.selectors import unsequenced_count
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision, PolicyDenied, citation_of, decide
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from evidence.bundles import graph, manifest
from evidence.bundles.artifacts import refuse_unpackable
from evidence.bundles.findings import conclusions_from, counts
from evidence.bundles.lifecycle import BundleNotCollecting, append_receipt
from evidence.models import Artifact, EvidenceBundle
from incidents.models.choices import Visibility

RETENTION = timedelta(days=7 * 365 + 2)
"""Seven years from the seal: what audit firms keep their working papers for."""


class ReceiptsUnsequenced(Conflict):
    """Some of the bundle's receipts are not in the log yet. The sequencer takes a second or two; then seal again."""

    code = "receipts_unsequenced"
    retry_after_seconds = 2


class ConclusionContradicted(Invalid):
    """The findings say something else than the conclusion."""

    code = "conclusion_contradicted"


class BundleChanged(Conflict):
    """Something was added to the bundle while it was being sealed. Seal it again."""

    code = "bundle_changed"


class ArtifactsDamaged(PolicyDenied):
    """Stored bytes no longer match their digest, so the bundle cannot be sealed."""

    code = "artifacts_damaged"
    status = 409

    def __init__(self, decision: Decision, paths: Sequence[str]) -> None:
        super().__init__(decision)
        self.paths = list(paths)
        self.detail = f"The stored bytes of {', '.join(paths)} no longer match their digest. {self.detail}"
        self.args = (self.detail,)


def seal_bundle(
    *,
    bundle: EvidenceBundle,
    conclusion: str,
    actor: Actor,
    now: datetime,
    effective_to: datetime | None = None,
) -> EvidenceBundle:
    """Seal the bundle: from now on it can only be superseded. The period ends at `effective_to`, by default now.

    Refused with its reason: a bundle that is not collecting, a conclusion that its findings contradict (without a
    check it can only be INCONCLUSIVE, and with an exception only EXCEPTIONS), a receipt
    that is not in the log yet, a policy denial, and bytes that no longer match (ArtifactsDamaged names them).
    Every enabled notary is to vouch for the manifest from then on, whoever sealed it: its backlog holds the digest.
    Call it outside of a transaction of your own, but inside the tenant's scope: a denial stays on record.
    """
    _refuse_premature(bundle, conclusion, effective_to or now, now)
    artifacts = list(bundle.artifacts.order_by("path"))
    damaged = [each.path for each in artifacts if not blobs.verify(tenant_id=bundle.tenant_id, digest=each.digest)]
    record = _require_policy(bundle, artifacts, damaged, actor, now)
    sealing = manifest.Sealing(
        conclusion=conclusion,
        effective_to=effective_to or now,
        sealed_at=now,
        sealed_by=actor.ref,
        sealed_by_name=actor.name,
        decision=record,
    )
    with transaction.atomic():
        _seal(bundle, artifacts, sealing, actor, now)
    bundle.refresh_from_db()
    return bundle


def _refuse_premature(bundle: EvidenceBundle, conclusion: str, effective_to: datetime, now: datetime) -> None:
    bundle.refresh_from_db()
    if bundle.status != EvidenceBundle.Status.COLLECTING:
        raise BundleNotCollecting(f"{bundle.code} is {bundle.get_status_display().lower()}.")
    if conclusion not in EvidenceBundle.Conclusion.values:
        raise Invalid(fields={"conclusion": [f"Choose one of {', '.join(EvidenceBundle.Conclusion.values)}."]})
    if conclusion not in (allowed := conclusions_from(bundle.findings)):
        why = f"With these findings it can be {' or '.join(allowed)}."
        if not counts(bundle.findings).total:
            why = "No check was recorded, so nothing can be concluded: it can only be INCONCLUSIVE."
        raise ConclusionContradicted(fields={"conclusion": [why]})
    if not bundle.effective_from <= effective_to <= now:
        raise Invalid(fields={"effective_to": ["The period must end after it began, and not in the future."]})
    refuse_unpackable(bundle)
    if waiting := unsequenced_count([bundle.ref]):
        raise ReceiptsUnsequenced(f"{waiting} of the bundle's receipts are not in the log yet.")


def _require_policy(
    bundle: EvidenceBundle, artifacts: Sequence[Artifact], damaged: Sequence[str], actor: Actor, now: datetime
) -> PolicyDecision:
    decision = decide(
        action="evidence.seal",
        actor=actor,
        resource={
            "ref": bundle.ref,
            "tenant": bundle.tenant_id,
            "environment": bundle.environment.slug if bundle.environment else "",
            "severity": bundle.incident.severity if bundle.incident else "",
            "visibility": bundle.incident.visibility if bundle.incident else Visibility.NORMAL,
            "owner": bundle.opened_by,
            "status": bundle.status,
            "artifacts_count": len(artifacts),
            "unverified_count": len(damaged),
            "receipts_unsequenced": 0,
        },
        context={},
        tenant_id=bundle.tenant_id,
        now=now,
    )
    if damaged:
        raise ArtifactsDamaged(decision, damaged)
    if not decision.allow or decision.record is None:
        raise PolicyDenied(decision)
    return decision.record


def _seal(
    bundle: EvidenceBundle, verified: Sequence[Artifact], sealing: manifest.Sealing, actor: Actor, now: datetime
) -> None:
    """Write the seal and its receipt, if the bundle is still what was verified."""
    current = EvidenceBundle.objects.select_for_update().get(id=bundle.id)
    artifacts = list(Artifact.objects.filter(bundle=bundle))
    if {(each.path, each.digest) for each in artifacts} != {(each.path, each.digest) for each in verified}:
        raise BundleChanged
    if current.status != EvidenceBundle.Status.COLLECTING or (
        (current.findings, current.superseded_findings) != (bundle.findings, bundle.superseded_findings)
    ):
        raise BundleChanged
    tenant = Tenant.objects.get(id=bundle.tenant_id)
    document = manifest.build(
        bundle=current,
        covers=current.covers.select_related("control__framework"),
        artifacts=artifacts,
        resources=graph.affected_resources(bundle=current),
        sealing=sealing,
        tenant_slug=tenant.slug,
        is_staged=tenant.is_staged,
    )
    digest = manifest.digest_of(document)
    receipt_id = _append_seal(current, document, digest, sealing, actor, now)
    graph.state_evidence(bundle=current, actor=actor, now=now)
    want_notarized(
        tenant_id=bundle.tenant_id,
        subject=bundle.ref,
        digest=digest,
        environment_id=bundle.environment_id,
        now=now,
    )
    EvidenceBundle.objects.filter(id=bundle.id, status=EvidenceBundle.Status.COLLECTING).update(
        status=EvidenceBundle.Status.SEALED,
        conclusion=sealing.conclusion,
        effective_to=sealing.effective_to,
        manifest=document,
        manifest_digest=digest,
        sealed_at=now,
        sealed_by_name=actor.name,
        seal_receipt_id=receipt_id,
        decision_id=sealing.decision.id,
        retain_until=(now + RETENTION).date(),
    )


def _append_seal(
    bundle: EvidenceBundle,
    document: dict[str, Any],
    digest: str,
    sealing: manifest.Sealing,
    actor: Actor,
    now: datetime,
) -> UUID:
    artifacts = [
        {"name": manifest.subject_name(each["path"]), "digest": each["digest"]} for each in document["artifacts"]
    ]
    receipt = append_receipt(
        bundle,
        "evidence.bundle.sealed",
        actor,
        now,
        {
            "code": bundle.code,
            "conclusion": sealing.conclusion,
            "manifest": digest,
            "artifacts": len(artifacts),
            "controls": [each["key"] for each in document["controls"]],
            "period": document["bundle"]["period"],
            "decision": citation_of(sealing.decision),
        },
        subjects=[{"name": manifest.FILE, "digest": digest}, *artifacts],
        links=[ref("conductor.policy_decision", sealing.decision.id)],
    )
    return receipt.id
