"""How many tests of adapters a tenant runs at once in a web process: each holds a thread until it is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from conductor.lib.errors import Refused

MOST = 2
"""Of one tenant, in one process."""
_lock = Lock()
_running: Counter[UUID] = Counter()


class TestsRunning(Refused):
    """As many tests of this tenant's adapters run as may; none was begun."""

    code = "tests_running"
    status = 429
    __test__ = False  # not for pytest


@contextmanager
def one_test(tenant_id: UUID) -> Iterator[None]:
    """Hold one of the tenant's places for a test. Raise TestsRunning if all are taken: waiting would hold a thread."""
    with _lock:
        if _running[tenant_id] >= MOST:
            raise TestsRunning(f"{MOST} tests of adapters are running. Try again when they are done.")
        _running[tenant_id] += 1
    try:
        yield
    finally:
        with _lock:
            _running[tenant_id] -= 1
            if not _running[tenant_id]:
                del _running[tenant_id]
