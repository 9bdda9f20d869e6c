"""Files that people hand in, of which the digest is kept."""

from __future__ import annotations

from typing import Any

from conductor.lib.errors import Invalid

MOST_BYTES = 20_000_000


def read_upload(upload: Any, *, name: str = "submitted") -> bytes:
    """Return the uploaded file's bytes; nothing for None. Raise Invalid, naming the field, for one over 20 MB."""
    if upload is None:
        return b""
    if (upload.size or 0) > MOST_BYTES:
        raise Invalid(fields={name: ["Use a file of at most 20 MB."]})
    return bytes(upload.read())
