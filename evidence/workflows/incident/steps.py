"""Collecting an incident's evidence: what the record says, as files that the seal then holds fast."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from conductor.engine.define.context import StepContext
from conductor.ledger import blobs
from conductor.ledger.selectors import receipts_for
from conductor.lib.clock import rfc3339
from conductor.policy.models import PolicyDecision
from conductor.tenancy.database.scope import tenant_scope
from evidence.bundles.artifacts import record_findings
from evidence.bundles.lifecycle import open_bundle
from evidence.models import EvidenceBundle
from evidence.workflows.collection import PDF, Collected, bundle_of, collect, collected_json, json_file, let_in
from evidence.workflows.incident.findings import findings_of
from incidents.integrity.checks import require_unbroken
from incidents.integrity.proof import entry_as_json
from incidents.models.choices import EventKind
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.models.postmortem import Postmortem
from incidents.response.conformance import conformance_of
from incidents.timeline.lifecycle import record_link

INCIDENT, TIMELINE = "incident/incident.json", "incident/timeline.json"
TRANSITIONS, ROLES = "incident/transitions.json", "incident/roles.json"
DECISIONS, RECEIPTS = "incident/decisions.json", "incident/receipts.json"
CONFORMANCE = "incident/conformance.json"
POSTMORTEM, POSTMORTEM_PDF = "postmortem/postmortem.json", "postmortem/postmortem.pdf"


def open_incident_bundle(ctx: StepContext) -> dict[str, Any]:
    """Open the bundle of the incident; a sealed one that it has already is superseded."""
    with tenant_scope(ctx.tenant_id):
        incident = _incident(ctx)
        sealed = EvidenceBundle.objects.filter(incident=incident, status=EvidenceBundle.Status.SEALED)
        began = min(incident.detected_at or incident.declared_at, incident.declared_at)
        bundle = open_bundle(
            tenant_id=ctx.tenant_id,
            title=f"Response to {incident}"[:200],
            purpose=f"Response evidence for {incident.code}, a {incident.severity} incident, from alert to recovery.",
            control_ids=ctx.input["controls"],
            incident=incident,
            environment=incident.environment,
            run_id=ctx.run_id,
            supersedes=sealed.filter(successors=None).order_by("-number").first(),
            effective_from=began,
            actor=ctx.actor,
            now=ctx.now(),
            idempotency_key=ctx.idempotency_key,
        )
        bundle = let_in(bundle=bundle, ctx=ctx)
    return {"bundle_id": str(bundle.id), "bundle": bundle.code}


def collect_incident(ctx: StepContext) -> dict[str, Any]:
    """Attach the incident's record: facts, timeline, moves, roles, decisions, receipts and postmortem.

    A record that is not what was written is not collected: TimelineBroken names its faults.
    """
    if collected_json(ctx, INCIDENT) is None:
        with tenant_scope(ctx.tenant_id):
            # Held until all is read: an entry written meanwhile would have a receipt here and no place in the timeline.
            Incident.objects.select_for_update().get(id=UUID(ctx.input["incident_id"]))
            incident = _incident(ctx)
            require_unbroken(incident=incident)
            files = [*_record(incident), *_postmortem(ctx, incident)]
        collect(ctx, files)
    with tenant_scope(ctx.tenant_id):
        return {"artifacts": bundle_of(ctx).artifacts.count()}


def conclude_incident(ctx: StepContext) -> dict[str, Any]:
    """Turn the collected record into findings."""
    findings = findings_of(
        incident=collected_json(ctx, INCIDENT),
        timeline=collected_json(ctx, TIMELINE)["entries"],
        transitions=collected_json(ctx, TRANSITIONS)["transitions"],
        receipts=collected_json(ctx, RECEIPTS)["receipts"],
        decisions=collected_json(ctx, DECISIONS)["decisions"],
        postmortem=collected_json(ctx, POSTMORTEM),
        conformance=collected_json(ctx, CONFORMANCE),
    )
    with tenant_scope(ctx.tenant_id):
        bundle = record_findings(
            bundle=bundle_of(ctx),
            findings=findings,
            reason=f"{ctx.run_code} tried the step again.",
            actor=ctx.actor,
            now=ctx.now(),
        )
    exceptions = [finding["check"] for finding in bundle.findings if finding["result"] == "exception"]
    return {"findings": len(findings), "exceptions": exceptions}


def link_to_incident(ctx: StepContext) -> dict[str, Any]:
    """Tell the incident's timeline of its sealed bundle, once."""
    with tenant_scope(ctx.tenant_id):
        bundle = bundle_of(ctx)
        if bundle.incident is None:
            return {"linked": False}
        record_link(
            incident=bundle.incident,
            kind=EventKind.EVIDENCE_ATTACHED,
            target=bundle.ref,
            name=f"{bundle.code} {bundle.title}",
            actor=ctx.actor,
            now=ctx.now(),
        )
    return {"linked": True}


def _incident(ctx: StepContext) -> Incident:
    return Incident.objects.select_related("environment").get(id=UUID(ctx.input["incident_id"]))


def _record(incident: Incident) -> list[Collected]:
    origin = f"record of {incident.code}"
    events = TimelineEvent.objects.filter(incident=incident).order_by("seq")
    moves = StatusTransition.objects.filter(incident=incident).order_by("seq")
    roles = RoleAssignment.objects.filter(incident=incident).order_by("assumed_at", "id")
    decisions = PolicyDecision.objects.filter(subject=incident.ref).order_by("decided_at", "id")
    receipts = receipts_for(incident.ref)
    return [
        json_file(path=INCIDENT, role="result", content=_facts(incident), origin=origin),
        json_file(
            path=TIMELINE, role="timeline", content={"entries": [entry_as_json(each) for each in events]}, origin=origin
        ),
        json_file(
            path=TRANSITIONS, role="result", content={"transitions": [_move(each) for each in moves]}, origin=origin
        ),
        json_file(path=ROLES, role="result", content={"roles": [_role(each) for each in roles]}, origin=origin),
        json_file(
            path=DECISIONS,
            role="decision",
            content={"decisions": [_decision(each) for each in decisions]},
            origin="policy decisions",
        ),
        json_file(path=CONFORMANCE, role="result", content=conformance_of(incident=incident), origin="response policy"),
        json_file(
            path=RECEIPTS,
            role="log",
            content={"receipts": [_receipt(each) for each in receipts]},
            origin="receipts of the ledger",
        ),
    ]


def _postmortem(ctx: StepContext, incident: Incident) -> list[Collected]:
    newest = Postmortem.objects.filter(incident=incident).order_by("-version").first()
    if newest is None:
        return []
    content = {
        "version": newest.version,
        "status": newest.status,
        "drafted_at": rfc3339(newest.drafted_at),
        "drafted_by": newest.drafted_by,
        "content_digest": newest.content_digest,
        "sections": newest.sections,
        "metrics": newest.metrics,
        "charts": newest.charts,
        "approved_at": rfc3339(newest.approved_at) if newest.approved_at else None,
        "approved_by": newest.approved_by_name,
    }
    origin = f"postmortem of {incident.code}, version {newest.version}"
    files = [json_file(path=POSTMORTEM, role="report", content=content, origin=origin)]
    if newest.pdf_digest:
        pdf = blobs.read(tenant_id=ctx.tenant_id, digest=newest.pdf_digest)
        files.append(Collected(POSTMORTEM_PDF, "report", PDF, pdf, origin))
    return files


def _facts(incident: Incident) -> dict[str, Any]:
    moments = ("detected_at", "declared_at", "acknowledged_at", "mitigated_at", "monitoring_at", "resolved_at")
    plain = ("code", "title", "summary", "kind", "origin", "severity", "status", "incident_type", "service")
    return {
        **{name: getattr(incident, name) for name in plain},
        **{name: _moment(getattr(incident, name)) for name in moments},
        "ref": incident.ref,
        "environment": incident.environment.slug if incident.environment else None,
        "declared_by": {"ref": incident.declared_by, "name": incident.declared_by_name},
    }


def _move(move: StatusTransition) -> dict[str, Any]:
    return {
        "seq": move.seq,
        "from": move.from_status,
        "to": move.to_status,
        "reason": move.reason,
        "inferred": move.inferred,
        "occurred_at": rfc3339(move.occurred_at),
        "actor": {"ref": move.actor, "name": move.actor_name},
    }


def _role(role: RoleAssignment) -> dict[str, Any]:
    return {
        "role": role.role,
        "name": role.user_name,
        "assumed_at": rfc3339(role.assumed_at),
        "ended_at": _moment(role.ended_at),
    }


def _decision(decision: PolicyDecision) -> dict[str, Any]:
    return {
        "action": decision.action,
        "allow": decision.allow,
        "reasons": decision.reasons,
        "decided_at": rfc3339(decision.decided_at),
        "input_digest": decision.input_digest,
        "policy_digest": decision.bundle_digest,
    }


def _receipt(receipt: Any) -> dict[str, Any]:
    return {
        "id": str(receipt.id),
        "action": receipt.action,
        "actor": receipt.actor_name,
        "authentication": receipt.authentication,
        "occurred_at": rfc3339(receipt.occurred_at),
        "body_digest": receipt.body_digest,
        "log_index": None if receipt.leaf_index is None else str(receipt.leaf_index),
        "entries": receipt.body.get("entries", []),
    }


def _moment(value: Any) -> str | None:
    return rfc3339(value) if value else None
