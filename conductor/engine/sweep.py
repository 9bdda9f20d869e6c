"""Finds what a dead worker or a lost message left lying, and wakes it up again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from conductor.engine.lease import due
from conductor.engine.models import Run
from conductor.engine.wake import wake
from conductor.tenancy.directory import tenant_refs
from conductor.tenancy.scope import tenant_scope

PATIENCE = timedelta(seconds=15)
"""A run that was woken less than this ago is left alone: its message may still be on its way."""
BATCH = 200
"""Wake-ups per tenant and sweep, so that one tenant's thousand runs do not flood the queue."""


def sweep_runs(*, now: datetime) -> int:
    """Wake every due run of every tenant that was not woken just now; return how many. Two sweeps do no harm."""
    woken = 0
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            forgotten = Q(woken_at=None) | Q(woken_at__lte=now - PATIENCE)
            runs = list(Run.objects.filter(due(now), forgotten).order_by("priority", "wake_at")[:BATCH])
            Run.objects.filter(id__in=[run.id for run in runs]).update(woken_at=now)
        for run in runs:
            wake(tenant_id=tenant.id, run_id=run.id, priority=run.priority)
        woken += len(runs)
    return woken
