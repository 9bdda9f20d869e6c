"""What the steps share: the run's bundle, and artifacts that make a repeated step notice what it did before.

A step that collects attaches everything it made in one transaction. When the worker dies before the engine has
recorded the step, the next try finds the artifacts and returns what they say, instead of collecting anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from conductor.engine.define.context import Permanent, StepContext
from conductor.ledger import blobs
from conductor.lib.canonical import canonical_json
from conductor.tenancy.database.scope import tenant_scope
from evidence.bundles.artifacts import attach_artifact
from evidence.bundles.lifecycle import start_collecting
from evidence.models import EvidenceBundle

JSON, CSV, PDF = "application/json", "text/csv", "application/pdf"


@dataclass(frozen=True)
class Collected:
    """A file that a step made."""

    path: str
    role: str
    media_type: str
    data: bytes
    origin: str


def json_file(*, path: str, role: str, content: Any, origin: str) -> Collected:
    """Return `content` as a file of canonical JSON."""
    return Collected(path, role, JSON, canonical_json(content), origin)


def bundle_of(ctx: StepContext) -> EvidenceBundle:
    """Return the bundle that the run works on: named by an earlier step, or by the run's input. Needs the scope."""
    named = [output["bundle_id"] for output in ctx.outputs.values() if "bundle_id" in output]
    bundle_id = named[0] if named else ctx.input.get("bundle_id", "")
    if not bundle_id:
        raise Permanent("The run has no bundle to work on.", code="bundle_missing")
    return EvidenceBundle.objects.select_related("environment", "run", "incident").get(id=UUID(bundle_id))


def let_in(*, bundle: EvidenceBundle, ctx: StepContext) -> EvidenceBundle:
    """Start collecting, unless an earlier try of the step did. Needs the scope."""
    if bundle.status == EvidenceBundle.Status.DRAFT:
        return start_collecting(bundle=bundle, actor=ctx.actor, now=ctx.now())
    return bundle


def collected_json(ctx: StepContext, path: str) -> Any:
    """Return the content of the bundle's JSON artifact at `path`, or None if there is none yet."""
    with tenant_scope(ctx.tenant_id):
        digest = bundle_of(ctx).artifacts.filter(path=path).values_list("digest", flat=True).first()
    if digest is None:
        return None
    return json.loads(blobs.read(tenant_id=ctx.tenant_id, digest=digest))


def collect(ctx: StepContext, files: Sequence[Collected]) -> None:
    """Attach all the files to the run's bundle, or none of them."""
    ctx.heartbeat()
    with tenant_scope(ctx.tenant_id):
        bundle = bundle_of(ctx)
        for file in files:
            attach_artifact(
                bundle=bundle,
                path=file.path,
                role=file.role,
                media_type=file.media_type,
                data=file.data,
                origin=file.origin,
                actor=ctx.actor,
                now=ctx.now(),
                idempotency_key=ctx.idempotency_key,
            )
    ctx.log("collected", files=[file.path for file in files], size_bytes=sum(len(file.data) for file in files))
