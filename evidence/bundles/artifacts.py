"""What a bundle collects: artifacts, kept by their digest, and findings."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum

from conductor.ledger import blobs
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.metering.lifecycle import record
from conductor.tenancy.actors import Actor, require
from evidence.bundles import manifest
from evidence.bundles.findings import Finding
from evidence.bundles.lifecycle import BundleNotCollecting, append_receipt
from evidence.bundles.uploads import DigestMismatch
from evidence.models import Artifact, EvidenceBundle
from evidence.pack_format.verify import MAX_BYTES, MAX_FILES, REPORT, path_problem

ROLES = ("raw", "config", "log", "result", "report", "decision", "timeline", "attestation", "population", "sample")
MAX_REASON = 500
MOST_ARTIFACTS = (MAX_FILES - 500) // 2
"""Of a bundle. Its pack holds a file and a receipt for each, and what the pack says of itself."""
MOST_ARTIFACT_BYTES = MAX_BYTES - (128 << 20)
"""Of all artifacts of a bundle: its pack holds receipts, proofs and the PDF beside them."""
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


class ArtifactExists(Conflict):
    """The bundle has another artifact of this path. Artifacts are never replaced: choose another path."""

    code = "artifact_exists"


class FindingsDropped(Invalid):
    """A check that was recorded is left out. Findings are superseded with a reason, never removed."""

    code = "findings_dropped"


class ArtifactTooLarge(Invalid):
    """With this artifact the bundle would hold more bytes than an evidence pack can: 939,524,096 in all."""

    code = "artifact_too_large"
    status = 413


class TooManyArtifacts(Conflict):
    """The bundle holds as many artifacts as an evidence pack can. Put files together, or open another bundle."""

    code = "too_many_artifacts"


def attach_artifact(
    *,
    bundle: EvidenceBundle,
    path: str,
    role: str,
    media_type: str,
    data: bytes | IO[bytes],
    origin: str,
    actor: Actor,
    now: datetime,
    idempotency_key: str = "",
    original_name: str = "",
    stated_digest: str = "",
) -> Artifact:
    """Keep the bytes by their digest and list them in the bundle under `path`.

    The same path with the same bytes is the artifact that is there already; with other bytes ArtifactExists is raised.
    Raise BundleNotCollecting, or Invalid for a path that is not plain and relative, an unknown role, more than a
    pack can hold, and for bytes of another SHA-256 than the one that their sender stated.
    """
    require(actor=actor, permission="collect_evidence")
    _refuse_unusable(path, role, media_type)
    if bundle.status != EvidenceBundle.Status.COLLECTING:
        raise BundleNotCollecting(f"{bundle.code} is {bundle.get_status_display().lower()}.")
    _refuse_beyond_a_pack(bundle, path, _size_of(data))
    stored = blobs.put(tenant_id=bundle.tenant_id, data=data)
    if stated_digest and stated_digest != stored.digest:
        raise DigestMismatch
    artifact = Artifact(
        tenant_id=bundle.tenant_id,
        bundle=bundle,
        path=path,
        original_name=original_name,
        stated_digest=stated_digest,
        role=role,
        media_type=media_type,
        digest=stored.digest,
        size_bytes=stored.size_bytes,
        uri=f"cas:sha256:{stored.digest}",
        origin=origin[:300],
        collected_by=actor.ref,
        collected_by_name=actor.name,
        collected_at=now,
        idempotency_key=idempotency_key,
    )
    return _insert(artifact, bundle, actor, now)


def record_findings(
    *, bundle: EvidenceBundle, findings: Iterable[Finding], actor: Actor, now: datetime, reason: str = ""
) -> EvidenceBundle:
    """Set the bundle's findings, in the order given. Recording the same ones again changes nothing.

    Findings can be added freely. One that says something else supersedes what was recorded and needs a `reason`; what
    it supersedes stays on record, in the manifest and in the pack. Raise FindingsDropped where a recorded check is
    left out: a check that no longer counts is recorded as not checked.
    """
    require(actor=actor, permission="collect_evidence")
    listed = [finding.as_json() for finding in findings]
    if len({finding["check"] for finding in listed}) != len(listed):
        raise Invalid(fields={"findings": ["A check is listed twice."]})
    with transaction.atomic():
        current = EvidenceBundle.objects.select_for_update().get(id=bundle.id)
        if current.status != EvidenceBundle.Status.COLLECTING:
            raise BundleNotCollecting(f"{bundle.code} is {current.get_status_display().lower()}.")
        if current.findings != listed:
            before = _superseded_by(current, listed, reason.strip(), actor, now)
            history = [*current.superseded_findings, *before]
            EvidenceBundle.objects.filter(id=bundle.id).update(findings=listed, superseded_findings=history)
            body = {"findings": listed, **({"supersedes": before[0]} if before else {})}
            append_receipt(bundle, "evidence.bundles.findings.recorded", actor, now, body)
    bundle.refresh_from_db()
    return bundle


def _superseded_by(
    bundle: EvidenceBundle, listed: list[dict[str, str]], reason: str, actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    """Return the entry of what `listed` replaces, or none where it only adds checks."""
    named = {finding["check"] for finding in listed}
    if missing := [each["check"] for each in bundle.findings if each["check"] not in named]:
        raise FindingsDropped(fields={"findings": [f"{', '.join(missing)} was recorded and cannot be left out."]})
    replaced = [finding for finding in bundle.findings if finding not in listed]
    if not replaced:
        return []
    if not reason:
        checks = ", ".join(finding["check"] for finding in replaced)
        raise Invalid(fields={"reason": [f"{checks} was recorded otherwise. Say why it is replaced; both are kept."]})
    by = {"ref": actor.ref, "name": actor.name}
    return [{"findings": replaced, "reason": reason[:MAX_REASON], "at": rfc3339(now), "by": by}]


def _insert(artifact: Artifact, bundle: EvidenceBundle, actor: Actor, now: datetime) -> Artifact:
    """Insert the row with its receipt, or return the one that says the same."""
    try:
        with transaction.atomic():
            # The lock that sealing takes: nobody slips an artifact in between its listing and its seal.
            current = EvidenceBundle.objects.select_for_update().get(id=bundle.id)
            if current.status != EvidenceBundle.Status.COLLECTING:
                raise BundleNotCollecting(f"{bundle.code} is {current.get_status_display().lower()}.")
            _refuse_shadowing(bundle, artifact.path)
            _refuse_beyond_a_pack(bundle, artifact.path, artifact.size_bytes)
            artifact.save(force_insert=True)
            names = ("original_name", "stated_digest")
            told = {name: getattr(artifact, name) for name in names if getattr(artifact, name)}
            body = {"path": artifact.path, "role": artifact.role, "media_type": artifact.media_type}
            append_receipt(
                bundle,
                "evidence.artifact.attached",
                actor,
                now,
                {**body, **told, "size_bytes": artifact.size_bytes, "origin": artifact.origin},
                subjects=[{"name": manifest.subject_name(artifact.path), "digest": artifact.digest}],
            )
            _meter(artifact, bundle, now)
    except IntegrityError:
        there = Artifact.objects.get(bundle=bundle, path=artifact.path)
        if there.digest != artifact.digest:
            raise ArtifactExists(f"{bundle.code} has another artifact at {artifact.path}.") from None
        return there
    return artifact


def _size_of(data: bytes | IO[bytes]) -> int:
    """Return how many bytes there are, before any is stored; 0 where only reading can tell."""
    if isinstance(data, bytes):
        return len(data)
    if not data.seekable():
        return 0
    size = data.seek(0, io.SEEK_END)
    data.seek(0)
    return size


def _meter(artifact: Artifact, bundle: EvidenceBundle, now: datetime) -> None:
    record(
        tenant_id=bundle.tenant_id,
        meter="evidence.artifact_bytes",
        quantity=Decimal(artifact.size_bytes),
        subject=bundle.ref,
        key=f"artifact:{artifact.id}",
        now=now,
    )


def _refuse_unusable(path: str, role: str, media_type: str) -> None:
    fields: dict[str, list[str]] = {}
    if not _PATH.fullmatch(path) or len(path) > 200:
        fields["path"] = ["Use letters, digits, dots, dashes and underscores, with slashes between folders."]
    elif problem := path_problem(manifest.subject_name(path)):
        fields["path"] = [f"It {problem}."]
    elif manifest.subject_name(path).lower() == REPORT:
        fields["path"] = [f"{path} is the name of the pack's own report."]
    if role not in ROLES:
        fields["role"] = [f"Choose one of {', '.join(ROLES)}."]
    if not _MEDIA_TYPE.fullmatch(media_type):
        fields["media_type"] = ["Not a media type, such as application/json."]
    if fields:
        raise Invalid(fields=fields)


def refuse_unpackable(bundle: EvidenceBundle) -> None:
    """Raise where the bundle's artifacts are more than its pack can hold, as those of earlier releases may be."""
    _refuse_beyond_a_pack(bundle, "", 0)


def _refuse_beyond_a_pack(bundle: EvidenceBundle, path: str, size_bytes: int) -> None:
    """Refuse what no pack could hold while there is still time to choose otherwise: a sealed bundle cannot change."""
    others = Artifact.objects.filter(bundle=bundle).exclude(path=path)
    held = others.aggregate(files=Count("id"), size=Sum("size_bytes"))
    if held["files"] + bool(path) > MOST_ARTIFACTS:
        raise TooManyArtifacts(f"{bundle.code} holds {held['files']:,} artifacts; a pack can hold {MOST_ARTIFACTS:,}.")
    if (total := (held["size"] or 0) + size_bytes) > MOST_ARTIFACT_BYTES:
        why = f"{bundle.code} would hold {total:,} bytes of artifacts; a pack can hold {MOST_ARTIFACT_BYTES:,}."
        raise ArtifactTooLarge(why, fields={"file": [why]})


def _refuse_shadowing(bundle: EvidenceBundle, path: str) -> None:
    """Refuse what could not be unpacked everywhere: names that differ in case only, a file that is also a folder."""
    wanted = path.lower()
    for there in Artifact.objects.filter(bundle=bundle).values_list("path", flat=True):
        known = there.lower()
        same = known == wanted and there != path
        if same or known.startswith(f"{wanted}/") or wanted.startswith(f"{known}/"):
            raise Invalid(fields={"path": [f"It cannot stand beside {there} when the pack is unpacked."]})
