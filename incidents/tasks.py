"""Celery's doors: trackers are asked what changed, each by a task of its own, so that a slow one holds no other up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from conductor.lib.clock import now
from conductor.tenancy.directory import tenant_refs
from incidents.followups.tracker_look import SYNC, sync_tracker, trackers_in_use, wake_tracker


@shared_task(name="incidents.sweep_trackers", ignore_result=True)
def sweep(**_later: Any) -> None:
    """Have every tracker asked that holds tickets which are followed."""
    for tenant in tenant_refs():
        for adapter_id in trackers_in_use(tenant.id):
            wake_tracker(tenant_id=tenant.id, adapter_id=adapter_id)


@shared_task(name=SYNC, ignore_result=True)
def sync(*, tenant_id: str, adapter_id: str, **_later: Any) -> None:
    """Ask one tracker."""
    sync_tracker(tenant_id=UUID(tenant_id), adapter_id=UUID(adapter_id), now=now())
