"""Leases: one worker at a time holds a run, and a write of a worker that lost its lease is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from conductor.engine.context import LeaseLost
from conductor.engine.models import Run
from conductor.lib.clock import now as clock_now
from conductor.tenancy.scope import tenant_scope


@dataclass(frozen=True)
class Lease:
    """The right to work on a run, as long as nobody claimed it after `epoch`."""

    tenant_id: UUID
    run_id: UUID
    worker: str
    epoch: int

    def mine(self) -> Q:
        """Filter that matches the run only while this lease holds it."""
        return Q(id=self.run_id, status=Run.Status.RUNNING, lease_epoch=self.epoch)

    def renew(self, now: datetime) -> bool:
        """Extend the lease; return False if it is lost. Needs the tenant's scope."""
        return Run.objects.filter(self.mine()).update(lease_expires_at=now + lease_time()) == 1

    def write(self, **fields: object) -> None:
        """Update the run's row under this lease; raise LeaseLost if it is lost. Needs the tenant's scope."""
        if not Run.objects.filter(self.mine()).update(**fields):
            raise LeaseLost(str(self.run_id))


def lease_time() -> timedelta:
    """How long a claim lasts without renewal: after that, a worker counts as dead."""
    return timedelta(seconds=settings.CONDUCTOR_LEASE_SECONDS)


def due(now: datetime) -> Q:
    """Filter for runs that somebody should work on: due by their time, or left by a dead worker."""
    return Q(status__in=[Run.Status.QUEUED, Run.Status.WAITING], wake_at__lte=now) | Q(
        status=Run.Status.RUNNING, lease_expires_at__lte=now
    )


def claim(*, tenant_id: UUID, run_id: UUID, worker: str, now: datetime) -> Lease | None:
    """Claim the run if it is due; None if it is not, or somebody else was first. One atomic UPDATE."""
    with tenant_scope(tenant_id):
        claimed = Run.objects.filter(due(now), id=run_id).update(
            status=Run.Status.RUNNING,
            lease_owner=worker,
            lease_expires_at=now + lease_time(),
            lease_epoch=F("lease_epoch") + 1,
            wake_at=None,
        )
        if not claimed:
            return None
        run = Run.objects.get(id=run_id)
        if run.started_at is None:
            Run.objects.filter(id=run_id).update(started_at=now)
        return Lease(tenant_id, run_id, worker, run.lease_epoch)


@contextmanager
def kept_alive(lease: Lease) -> Iterator[None]:
    """Renew the lease from a thread of its own while the step is at work."""
    stop = threading.Event()
    interval = lease_time().total_seconds() / 3

    def keep() -> None:
        try:
            while not stop.wait(interval):
                with tenant_scope(lease.tenant_id):
                    if not lease.renew(clock_now()):
                        return
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=keep, name=f"lease-{lease.run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
