"""Keeps tickets and records together, tracker by tracker."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError, Port
from adapters.tickets.changes import look_for_changes
from conductor.engine.claim.wake import send
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from incidents.followups.tickets import sync_ticket

SYNC = "incidents.sync_tracker"
"""The Celery task that looks at one tracker."""

log = structlog.get_logger("incidents.followups.tracker_look")


def trackers_in_use(tenant_id: UUID) -> list[UUID]:
    """Return the ids of the tenant's enabled trackers that hold tickets which are followed."""
    with tenant_scope(tenant_id):
        used = Ticket.objects.filter(phase=Ticket.Phase.TRACKED).values("adapter")
        enabled = AdapterConfig.objects.filter(port=Port.TICKETING.value, enabled=True, id__in=used)
        return list(enabled.order_by("name").values_list("id", flat=True))


def sync_tracker(*, tenant_id: UUID, adapter_id: UUID, now: datetime) -> int:
    """Compare what changed in the tracker, or here; return how many tickets were compared.

    One that fails holds no other up: why is on its row, and it is tried again the next time.
    """
    with tenant_scope(tenant_id):
        adapter = AdapterConfig.objects.filter(id=adapter_id, port=Port.TICKETING.value, enabled=True).first()
    if adapter is None:
        return 0
    try:
        due = look_for_changes(adapter=adapter, now=now)
    except AdapterError as error:
        log.warning("tracker failed", tracker=adapter.name, kind=adapter.kind, code=error.code)
        return 0
    compared = 0
    for ticket, remote in due:
        try:
            sync_ticket(ticket=ticket, remote=remote, actor=Actor.system(), now=now)
            compared += 1
        except (AdapterError, Refused) as error:
            log.warning("ticket not compared", ticket=ticket.ref, code=error.code)
    return compared


def wake_tracker(*, tenant_id: UUID, adapter_id: UUID) -> None:
    """Have a worker ask the tracker soon. A broker that is away is logged: the sweep comes round."""
    send(SYNC, {"tenant_id": str(tenant_id), "adapter_id": str(adapter_id)})
