"""One tenant never holds every worker of a pool: the last one stays free for the others (docs/decisions/0075)."""

from __future__ import annotations

import time
from datetime import datetime
from threading import Lock

from conductor.engine.models import Run, Step
from conductor.lib import pool
from conductor.tenancy.directory import tenant_refs

KEPT_SECONDS = 60.0
"""How long the number of tenants is believed."""

_lock = Lock()
_counted: tuple[float, int] = (float("-inf"), 0)


def most_for_one() -> int | None:
    """Return how many workers of this pool one tenant may hold; None where it may hold all. Needs no tenant's scope.

    It may where there is one tenant only, where the pool has one process, and outside of a pool.
    """
    workers = pool.size()
    return workers - 1 if workers > 1 and _has_others() else None


def held(*, worker: str, now: datetime) -> int:
    """Count the workers of `worker`'s pool that the tenant holds, whatever the priority. Needs the tenant's scope."""
    of_pool = {"lease_owner__startswith": f"{worker.rpartition(':')[0]}:", "lease_expires_at__gt": now}
    runs = Run.objects.filter(status=Run.Status.RUNNING, **of_pool)
    return runs.count() + Step.objects.filter(item__isnull=False, status=Step.Status.RUNNING, **of_pool).count()


def _has_others() -> bool:
    """Whether this installation has a second tenant."""
    global _counted
    with _lock:
        if time.monotonic() - _counted[0] > KEPT_SECONDS:
            _counted = (time.monotonic(), len(tenant_refs()))
        return _counted[1] > 1
