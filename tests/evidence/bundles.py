"""Bundles for tests: opened, filled and sealed by the verbs, with the sequencer in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.storage import storages

from conductor.ledger.log.sequencer import sequence
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import attach_artifact, record_findings
from evidence.bundles.findings import Finding
from evidence.bundles.lifecycle import open_bundle, start_collecting
from evidence.bundles.sealing import seal_bundle
from evidence.models import Artifact, EvidenceBundle

PASSED = Finding("T1", "Tested", "Nothing wrong", "Nothing wrong", "pass")
FAILED = Finding("T2", "Tested again", "Nothing wrong", "Something wrong", "exception", "look at it")
UNCHECKED = Finding("T3", "Not tested", "Nothing wrong", "", "not_checked")


def collecting(tenant: Tenant, actor: Actor, now: datetime, **given: Any) -> EvidenceBundle:
    """Return a bundle that takes artifacts. Needs the scope."""
    wanted = {"title": "Quarterly restore", "purpose": "Shows it.", "control_ids": ["SOC2_A1.2"], **given}
    effective_from = wanted.pop("effective_from", now - timedelta(hours=1))
    bundle = open_bundle(tenant_id=tenant.id, actor=actor, effective_from=effective_from, now=now, **wanted)
    return start_collecting(bundle=bundle, actor=actor, now=now)


def attach(bundle: EvidenceBundle, actor: Actor, now: datetime, path: str = "a.json", data: bytes = b"{}") -> Artifact:
    return attach_artifact(
        bundle=bundle,
        path=path,
        role="result",
        media_type="application/json",
        data=data,
        origin="a test",
        actor=actor,
        now=now,
    )


def sealed(tenant: Tenant, actor: Actor, now: datetime, **given: Any) -> EvidenceBundle:
    """Return a sealed bundle of two artifacts whose seal is in the log. Needs the scope."""
    findings = given.pop("findings", [PASSED])
    bundle = collecting(tenant, actor, now, **given)
    attach(bundle, actor, now, "a.json", b'{"a":1}')
    attach(bundle, actor, now, "folder/b.csv", b"x,y\n1,2\n")
    record_findings(bundle=bundle, findings=findings, actor=actor, now=now)
    sequence(tenant_id=tenant.id, now=now)
    tested = "EXCEPTIONS" if FAILED in findings else "NO_EXCEPTIONS"
    conclusion = tested if findings else "INCONCLUSIVE"
    bundle = seal_bundle(bundle=bundle, conclusion=conclusion, actor=actor, now=now)
    sequence(tenant_id=tenant.id, now=now)
    return bundle


def damage(artifact: Artifact, data: bytes | None = b"something else") -> None:
    """Change the stored bytes of an artifact behind everybody's back; None removes them."""
    storage = storages["artifacts"]
    name = f"{artifact.tenant_id}/{artifact.digest[:2]}/{artifact.digest}"
    path = settings.CONDUCTOR_HOME / "artifacts" / name
    assert storage.exists(name)
    path.unlink()
    if data is not None:
        path.write_bytes(data)
