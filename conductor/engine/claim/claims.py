"""Claiming work: a run by its name, or whatever is fairest to do next (docs/decisions/0031)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from conductor.engine.claim import pools
from conductor.engine.claim.lease import Lease, due, item_due, lease_time
from conductor.engine.models import Run, Share, Step
from conductor.tenancy.database.scope import tenant_scope

_FIELDS = ("id", "wake_at", "lease_expires_at")
TENANTS_TRIED = 5
"""Candidates looked at before a worker gives up: others may have been faster at each of them."""


def claim(*, tenant_id: UUID, run_id: UUID, worker: str, now: datetime) -> Lease | None:
    """Claim the run if it is due; None if it is not, or somebody else was first. One atomic UPDATE."""
    with tenant_scope(tenant_id):
        claimed = Run.objects.filter(due(now), id=run_id).update(
            status=Run.Status.RUNNING, wake_at=None, started_at=Coalesce("started_at", now), **_lease(worker, now)
        )
        if not claimed:
            return None
        return Lease(tenant_id, run_id, worker, Run.objects.values_list("lease_epoch", flat=True).get(id=run_id))


def claim_item(*, tenant_id: UUID, item_id: UUID, worker: str, now: datetime) -> Lease | None:
    """Claim one item of a group if it is due; None if it is not, or somebody else was first."""
    with tenant_scope(tenant_id):
        claimed = Step.objects.filter(item_due(now), id=item_id).update(
            status=Step.Status.RUNNING, wake_at=None, **_lease(worker, now)
        )
        if not claimed:
            return None
        run_id, epoch = Step.objects.values_list("run_id", "lease_epoch").get(id=item_id)
        return Lease(tenant_id, run_id, worker, epoch, item_id)


def take(*, least: int, worker: str, now: datetime) -> Lease | None:
    """Claim what is fairest to do next, of priority `least` or more urgent; None if there is nothing to claim.

    The most urgent first; among tenants with equally urgent work the one that was served longest ago; within a
    tenant what has been due longest. A tenant at its limit is passed over, and so is one that holds all workers of
    this pool but the last (docs/decisions/0075).
    """
    with connection.cursor() as cursor:
        arguments: list[datetime | int] = [now, least, settings.CONDUCTOR_TENANT_RUN_LIMIT, TENANTS_TRIED]
        cursor.execute("SELECT tenant_id, priority FROM conductor_turns(%s, %s, %s, %s)", arguments)
        turns = cursor.fetchall()
    most = pools.most_for_one() if turns else None
    for tenant_id, priority in turns:
        if lease := _take_from(tenant_id, priority, worker, now, most=most):
            return lease
    return None


def at_work(*, priority: int, now: datetime) -> int:
    """Count the tenant's runs and items of this priority that workers hold. Needs the tenant's scope."""
    runs = Run.objects.filter(status=Run.Status.RUNNING, lease_expires_at__gt=now, priority=priority)
    items = Step.objects.filter(
        item__isnull=False, status=Step.Status.RUNNING, lease_expires_at__gt=now, run__priority=priority
    )
    return runs.count() + items.count()


def _take_from(tenant_id: UUID, priority: int, worker: str, now: datetime, *, most: int | None) -> Lease | None:
    """Claim the tenant's next piece of work. Its Share is locked meanwhile, so that its limit holds exactly."""
    with tenant_scope(tenant_id):
        Share.objects.bulk_create([Share(tenant_id=tenant_id)], ignore_conflicts=True)
        share = Share.objects.select_for_update(no_key=True).get()
        limit = settings.CONDUCTOR_TENANT_RUN_LIMIT if share.run_limit is None else share.run_limit
        if at_work(priority=priority, now=now) >= limit:
            return None
        if most is not None and pools.held(worker=worker, now=now) >= most:
            return None
        lease = _next(tenant_id, priority, worker, now)
        if lease:
            Share.objects.filter(id=share.id).update(served_at=now)
        return lease


def _next(tenant_id: UUID, priority: int, worker: str, now: datetime) -> Lease | None:
    runs, items = _runs(priority, now), _items(priority, now)
    found = [(first.wake_at or first.lease_expires_at, first) for first in (_first(runs), _first(items)) if first]
    for _since, row in sorted(found, key=lambda each: each[0]):
        if isinstance(row, Run):
            lease = claim(tenant_id=tenant_id, run_id=row.id, worker=worker, now=now)
        else:
            lease = claim_item(tenant_id=tenant_id, item_id=row.id, worker=worker, now=now)
        if lease:
            return lease
    return None


def _runs(priority: int, now: datetime) -> list[QuerySet[Run]]:
    """What dead workers left comes before what is due: it has waited for a lease's time already."""
    runs = Run.objects.filter(priority=priority)
    return [
        runs.filter(status=Run.Status.RUNNING, lease_expires_at__lte=now).order_by("lease_expires_at"),
        runs.filter(status__in=[Run.Status.QUEUED, Run.Status.WAITING], wake_at__lte=now).order_by("wake_at"),
    ]


def _items(priority: int, now: datetime) -> list[QuerySet[Step]]:
    items = Step.objects.filter(item__isnull=False, run__priority=priority)
    return [
        items.filter(status=Step.Status.RUNNING, lease_expires_at__lte=now).order_by("lease_expires_at"),
        items.filter(status__in=[Step.Status.PENDING, Step.Status.WAITING], wake_at__lte=now).order_by("wake_at"),
    ]


def _first(queries: list[QuerySet[Any]]) -> Any:
    """Return the first row that nobody holds a lock on at this moment."""
    for query in queries:
        found = query.select_for_update(of=("self",), skip_locked=True).only(*_FIELDS).first()
        if found:
            return found
    return None


def _lease(worker: str, now: datetime) -> dict[str, Any]:
    return {
        "lease_owner": worker,
        "lease_expires_at": now + lease_time(),
        "lease_epoch": F("lease_epoch") + 1,
    }
