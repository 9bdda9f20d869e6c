"""Time-ordered identifiers (UUIDv7, RFC 9562 section 5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_newest = 0
"""Milliseconds and twelve bits of their fraction, as in the newest id of this process."""


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7, later in order than every one that this process has made (RFC 9562, 6.2, method 3).

    48 bits of Unix milliseconds, 12 bits of the millisecond's fraction, 62 random bits: rows that one request writes
    sort by id as they were written. Python 3.11 to 3.13 have no such function, and PostgreSQL has one only from 18 on.
    """
    global _newest
    with _lock:
        nanoseconds = time.time_ns()
        ticks = (nanoseconds // 1_000_000 << 12) | (nanoseconds % 1_000_000 << 12) // 1_000_000
        _newest = ticks = max(ticks, _newest + 1)
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64
    value |= 0x2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=value)
