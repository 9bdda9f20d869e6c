"""The sweep of Slack's requests in one process: what the task of each tenant does, one tenant after the other."""

from __future__ import annotations

from datetime import datetime

from chatops.slack.inbound.outage_backfill import import_spool
from chatops.tasks import finish_due
from conductor.tenancy.directory import tenant_refs


def finish_all(now: datetime) -> int:
    """Finish what is due of every tenant, spooled requests first; return how many were."""
    import_spool(now)
    return sum(finish_due(tenant_id=each.id, now=now) for each in tenant_refs())
