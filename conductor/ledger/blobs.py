"""Bytes by their digest. Storing the same bytes twice stores them once; a file is never overwritten.

The bytes live on the storage alias "artifacts": a folder, or S3 through django-storages.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import storages

CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobMissing(LookupError):
    """No bytes are stored under this digest."""


class BlobNotStored(OSError):
    """The storage did not take the bytes, and nothing of them is left there. It may do so later."""


@dataclass(frozen=True)
class BlobInfo:
    """What was stored."""

    digest: str
    """SHA-256, 64 lower hexadecimal digits."""
    size_bytes: int


def put(*, tenant_id: UUID, data: bytes | IO[bytes]) -> BlobInfo:
    """Store the bytes (a stream is read from its present position) and return their digest and size.

    Raise BlobNotStored where the storage is full or fails.
    """
    stream = BytesIO(data) if isinstance(data, bytes) else data
    start = stream.tell()
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    info = BlobInfo(digest.hexdigest(), size)
    storage = storages["artifacts"]
    name = _name(tenant_id, info.digest)
    if not (storage.exists(name) and verify(tenant_id=tenant_id, digest=info.digest)):
        if storage.exists(name):
            storage.delete(name)  # damaged or cut off: the caller holds the right bytes, so they heal it
        stream.seek(start)
        _save(name, stream, info)
    return info


def _save(name: str, stream: IO[bytes], info: BlobInfo) -> None:
    storage = storages["artifacts"]
    try:
        storage.save(name, File(stream))
    except OSError as error:
        with suppress(OSError):
            storage.delete(name)  # a half-written file would take space that is wanted, and pass for a damaged blob
        why = f"the artifact storage did not take {info.size_bytes} bytes: {error.strerror or error}"
        raise BlobNotStored(error.errno, why) from error


def open_blob(*, tenant_id: UUID, digest: str) -> IO[bytes]:
    """Return a readable stream of the bytes; raise BlobMissing if there are none. The caller closes it."""
    name = _name(tenant_id, digest)
    try:
        opened: IO[bytes] = storages["artifacts"].open(name, "rb")
    except FileNotFoundError as error:
        raise BlobMissing(digest) from error
    return opened


def read(*, tenant_id: UUID, digest: str) -> bytes:
    """Return the bytes whole; raise BlobMissing if there are none."""
    with open_blob(tenant_id=tenant_id, digest=digest) as stream:
        return stream.read()


def verify(*, tenant_id: UUID, digest: str) -> bool:
    """Return whether the stored bytes still have their digest; False also when they are gone."""
    try:
        with open_blob(tenant_id=tenant_id, digest=digest) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest  # type: ignore[arg-type]
    except BlobMissing:
        return False


def _name(tenant_id: UUID, digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a SHA-256 digest")
    return f"{tenant_id}/{digest[:2]}/{digest}"
