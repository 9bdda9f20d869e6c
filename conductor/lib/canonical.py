"""Canonical JSON (RFC 8785) and digests: the same content always has the same bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 bytes of `value`. Raise ValueError for what JSON cannot say exactly.

    Numbers are IEEE doubles there: integers beyond 2^53, NaN and infinities are refused; write them as strings.
    """
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
