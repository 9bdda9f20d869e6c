"""The manifest of a sealed bundle: one canonical JSON document that stands for all of it.

Its digest is what the seal's receipt, the notary and the footer of every PDF page name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from conductor import __version__
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.policy.models import PolicyDecision
from evidence.models import Artifact, BundleControl, EvidenceBundle

FORMAT: Final = "https://maestro-conductor.dev/evidence-manifest/v1"
FILE: Final = "manifest.json"
"""Its name among the seal's subjects and in the pack."""


@dataclass(frozen=True)
class Sealing:
    """What sealing adds to what the bundle holds."""

    conclusion: str
    effective_to: datetime
    sealed_at: datetime
    sealed_by: str
    sealed_by_name: str
    decision: PolicyDecision


def build(
    *,
    bundle: EvidenceBundle,
    covers: Iterable[BundleControl],
    artifacts: Iterable[Artifact],
    resources: Sequence[Mapping[str, str]],
    sealing: Sealing,
    tenant_slug: str,
    is_staged: bool = False,
) -> dict[str, Any]:
    """Return the manifest. The same rows and sealing give the same document, whatever order they come in.

    That of a demonstration says `staged` in its header, so that nobody can pass it off as another's evidence.
    """
    return {
        "format": FORMAT,
        "bundle": {**_header(bundle, sealing, tenant_slug), **({"staged": True} if is_staged else {})},
        "controls": sorted((_control(each) for each in covers), key=lambda each: str(each["key"])),
        "artifacts": sorted((_artifact(each) for each in artifacts), key=lambda each: str(each["path"])),
        "findings": bundle.findings,
        "superseded_findings": bundle.superseded_findings,
        "links": {**_links(bundle), "resources": [dict(each) for each in resources]},
        "decision": _decision(sealing.decision),
        "tools": {"maestro-conductor": __version__, "django": version("django")},
    }


def subject_name(path: str) -> str:
    """Return the name that receipts give an artifact: where it lies in a pack."""
    return f"data/{path}"


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the manifest's canonical JSON."""
    return sha256_hex(canonical_json(manifest))


def _header(bundle: EvidenceBundle, sealing: Sealing, tenant_slug: str) -> dict[str, Any]:
    return {
        "id": str(bundle.id),
        "code": bundle.code,
        "title": bundle.title,
        "purpose": bundle.purpose,
        "tenant": {"id": str(bundle.tenant_id), "slug": tenant_slug},
        "environment": bundle.environment.slug if bundle.environment else None,
        "period": {"from": rfc3339(bundle.effective_from), "to": rfc3339(sealing.effective_to)},
        "opened": {
            "at": rfc3339(bundle.opened_at),
            "by": {"ref": bundle.opened_by, "name": bundle.opened_by_name},
        },
        "sealed": {
            "at": rfc3339(sealing.sealed_at),
            "by": {"ref": sealing.sealed_by, "name": sealing.sealed_by_name},
        },
        "conclusion": sealing.conclusion,
    }


def _control(cover: BundleControl) -> dict[str, Any]:
    control = cover.control
    return {
        "key": control.key,
        "code": control.code,
        "framework": control.framework.key,
        "release": control.framework.release,
        "label": control.label,
        "part": cover.part,
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    told = {"original_name": artifact.original_name, "stated_digest": artifact.stated_digest}
    return {
        **{name: value for name, value in told.items() if value},
        "path": artifact.path,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "size_bytes": artifact.size_bytes,
        "media_type": artifact.media_type,
        "role": artifact.role,
        "origin": artifact.origin,
        "collected_at": rfc3339(artifact.collected_at),
        "collected_by": {"ref": artifact.collected_by, "name": artifact.collected_by_name},
    }


def _links(bundle: EvidenceBundle) -> dict[str, Any]:
    run, incident = bundle.run, bundle.incident
    return {
        "run": {
            "ref": ref("conductor.run", run.id),
            "code": run.code,
            "workflow": run.workflow,
            "version": run.workflow_version,
            "digest": run.workflow_digest,
        }
        if run
        else None,
        "incident": {"ref": incident.ref, "code": incident.code} if incident else None,
        "supersedes": bundle.supersedes.ref if bundle.supersedes else None,
    }


def _decision(decision: PolicyDecision) -> dict[str, Any]:
    return {
        "ref": ref("conductor.policy_decision", decision.id),
        "action": decision.action,
        "path": decision.path,
        "policy_digest": decision.bundle_digest,
        "input_digest": decision.input_digest,
        "decided_at": rfc3339(decision.decided_at),
    }
