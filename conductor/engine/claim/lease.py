"""Leases: one worker at a time holds a run or an item, and a write of a worker that lost its lease is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q, QuerySet

from conductor.engine.define.context import LeaseLost
from conductor.engine.models import Run, Step
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.outages import is_passing
from conductor.tenancy.database.scope import tenant_scope

GIVEN_BACK = timedelta(seconds=1)
"""How soon work is free that the database took away from a worker: no sooner, or the same would happen at once."""


@dataclass(frozen=True)
class Lease:
    """The right to work on a run, or on one item of it, as long as nobody claimed it after `epoch`."""

    tenant_id: UUID
    run_id: UUID
    worker: str
    epoch: int
    item_id: UUID | None = None
    """The item's Step; None for the run itself."""

    def held(self) -> QuerySet[Any]:
        """Return the leased row, and nothing once the lease is lost. Needs the tenant's scope."""
        if self.item_id is None:
            return Run.objects.filter(id=self.run_id, status=Run.Status.RUNNING, lease_epoch=self.epoch)
        return Step.objects.filter(id=self.item_id, status=Step.Status.RUNNING, lease_epoch=self.epoch)

    def renew(self, now: datetime) -> bool:
        """Extend the lease; return False if it is lost. Needs the tenant's scope."""
        return self.held().update(lease_expires_at=now + lease_time()) == 1

    def check(self) -> None:
        """Lock the leased row until the transaction ends; raise LeaseLost if the lease is lost.

        An item locks its run before itself, as every verb does: whoever ends last sees that the others have ended.
        """
        if self.item_id:
            Run.objects.select_for_update(no_key=True).only("id").get(id=self.run_id)
        self.write(lease_owner=self.worker)

    def write(self, **fields: object) -> None:
        """Update the leased row; raise LeaseLost if the lease is lost. Needs the tenant's scope."""
        if not self.held().update(**fields):
            raise LeaseLost(str(self.item_id or self.run_id))

    def end_soon(self, now: datetime) -> None:
        """Have the lease end shortly, as if its worker had died; no effect once it is lost."""
        self.held().filter(lease_expires_at__gt=now + GIVEN_BACK).update(lease_expires_at=now + GIVEN_BACK)

    def let_go(self, *, status: str, until: datetime | None) -> None:
        """Give the lease up; whoever comes at `until` goes on. `status` is the run's: an item's is set by its step."""
        fields: dict[str, object] = {"wake_at": until, "lease_owner": "", "lease_expires_at": None}
        self.write(**fields, **({} if self.item_id else {"status": status}))


def lease_time() -> timedelta:
    """How long a claim lasts without renewal: after that, a worker counts as dead."""
    return timedelta(seconds=settings.CONDUCTOR_LEASE_SECONDS)


def due(now: datetime) -> Q:
    """Filter for runs that somebody should work on: due by their time, or left by a dead worker."""
    return Q(status__in=[Run.Status.QUEUED, Run.Status.WAITING], wake_at__lte=now) | Q(
        status=Run.Status.RUNNING, lease_expires_at__lte=now
    )


def item_due(now: datetime) -> Q:
    """Filter for items that somebody should work on."""
    return Q(item__isnull=False) & (
        Q(status__in=[Step.Status.PENDING, Step.Status.WAITING], wake_at__lte=now)
        | Q(status=Step.Status.RUNNING, lease_expires_at__lte=now)
    )


@contextmanager
def kept_alive(lease: Lease, *, at_most: timedelta) -> Iterator[None]:
    """Renew the lease from a thread of its own while the step is at work, but not for longer than `at_most`.

    A step that cannot be interrupted thus loses its run to another worker, and its late result is refused.
    """
    stop = threading.Event()
    interval = lease_time().total_seconds() / 3
    end = time.monotonic() + at_most.total_seconds()

    def keep() -> None:
        try:
            while not stop.wait(interval) and time.monotonic() < end:
                if not _renewed(lease):
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


def _renewed(lease: Lease) -> bool:
    """Return False once the lease is lost. A database that is away for a moment does not mean that."""
    try:
        with tenant_scope(lease.tenant_id):
            return lease.renew(clock_now())
    except Error as error:
        if not is_passing(error):
            raise
        connection.close()
        return True
