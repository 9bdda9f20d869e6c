"""Celery's entry points: an organisation's trackers are asked what changed, each organisation by a task of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from conductor.lib.clock import now
from conductor.tenancy.directory import tenant_refs
from incidents.followups.tracker_look import LOOK, look_at_trackers, trackers_in_use, wake


@shared_task(name="incidents.sweep_trackers", ignore_result=True)
def sweep(**_later: Any) -> None:
    """Have the trackers looked at that hold tickets which are followed."""
    for tenant in tenant_refs():
        if trackers_in_use(tenant.id):
            wake(tenant_id=tenant.id)


@shared_task(name=LOOK, ignore_result=True)
def look(*, tenant_id: str, **_later: Any) -> None:
    """Look at one organisation's trackers."""
    look_at_trackers(tenant_id=UUID(tenant_id), clock=now)
