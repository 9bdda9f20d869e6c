"""After the database was away: what was spooled becomes stored requests, marked with when it really came."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import structlog
from django.db import Error as DatabaseFailure

from chatops.slack.inbound import outage_spool
from chatops.slack.inbound.request import request_of
from chatops.slack.lifecycle import store_receipt
from chatops.slack.selectors import tenant_of_team

log = structlog.get_logger("chatops.slack.inbound.outage_backfill")


@dataclass
class Backfill:
    """What an import came to."""

    stored: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Tenant and request of each that the database has now."""
    set_aside: int = 0
    """Those of no workspace of ours."""
    waiting: int = 0
    """Those that are still on disk only, as the database is away."""


def import_spool(now: datetime) -> Backfill:
    """Store every spooled request, oldest first; doing it twice, or in two processes at once, stores each once.

    A file is removed only when its row is committed. Its work is done as that of any request.
    """
    report, found = Backfill(), outage_spool.waiting()
    for at, spooled in enumerate(found):
        try:
            _import(spooled, report, now)
        except DatabaseFailure as failure:
            report.waiting = len(found) - at
            log.warning("database away", action="chatops.backfill_waits", error=type(failure).__name__)
            break
    return report


def _import(spooled: outage_spool.Spooled, report: Backfill, now: datetime) -> None:
    request = replace(request_of(spooled.fields), spooled_at=spooled.at)
    tenant_id = tenant_of_team(request.team_id)
    if tenant_id is None:
        outage_spool.set_aside(spooled)
        report.set_aside += 1
        log.warning("set aside", action="chatops.spool_refused", reference=spooled.reference)
        return
    receipt = store_receipt(tenant_id=tenant_id, request=request, now=now)
    outage_spool.forget(spooled)
    report.stored.append((tenant_id, receipt.id))
    log.info("imported", action="chatops.spool_imported", reference=spooled.reference, receipt=str(receipt.id))
