"""Stored bytes as a download: always as an attachment under a plain name, and only while they match their digest."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse

from conductor.ledger import blobs
from conductor.lib.errors import Conflict
from evidence.bundles.naming import pack_name
from evidence.models import Artifact, Pack


class BytesDamaged(Conflict):
    """The stored bytes are gone or no longer match their digest, so they are not handed out."""

    code = "bytes_damaged"


class PackNotReady(Conflict):
    """The pack is not ready yet."""

    code = "pack_not_ready"


def artifact_download(artifact: Artifact) -> FileResponse:
    """Return the artifact's bytes under the name that the file had, or the last part of its path.

    They are bytes, whatever type an uploader called them: HTML in evidence is no answer of ours, nor is JSON.
    """
    name = artifact.original_name or artifact.path.rpartition("/")[2]
    return _download(artifact.tenant_id, artifact.digest, name, "application/octet-stream")


def pack_pdf(pack: Pack) -> FileResponse:
    """Return the pack's PDF; raise PackNotReady."""
    _require_ready(pack)
    return _download(pack.tenant_id, pack.pdf_digest, f"{pack_name(pack)}.pdf", "application/pdf")


def pack_zip(pack: Pack) -> FileResponse:
    """Return the pack's ZIP; raise PackNotReady."""
    _require_ready(pack)
    return _download(pack.tenant_id, pack.zip_digest, f"{pack_name(pack)}.zip", "application/zip")


def _require_ready(pack: Pack) -> None:
    if pack.status != Pack.Status.READY:
        raise PackNotReady(f"The pack is {pack.get_status_display().lower()}.")


def _download(tenant_id: UUID, digest: str, name: str, media_type: str) -> FileResponse:
    if not blobs.verify(tenant_id=tenant_id, digest=digest):
        raise BytesDamaged
    stream = blobs.open_blob(tenant_id=tenant_id, digest=digest)
    response = FileResponse(stream, as_attachment=True, filename=name, content_type=media_type)
    response["ETag"] = f'"{digest}"'
    response["Cache-Control"] = "private, no-cache"
    return response
