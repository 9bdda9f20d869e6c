"""What changed in a tracker since we last looked. One question for all of a tenant's tickets there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from adapters.configuration import opening
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import RemoteTicket
from adapters.tickets.lifecycle import CLOCKS_DIFFER, failure_fields
from conductor.observability.metrics import TRACKER_LOOKS
from conductor.tenancy.database.scope import tenant_scope

LOOK_BACK = timedelta(days=30)
"""After a longer silence each ticket is looked at by itself."""


def look_for_changes(*, adapter: AdapterConfig, now: datetime) -> list[tuple[Ticket, RemoteTicket | None]]:
    """Return the tickets to compare, each with what the tracker said of it, None where it has to be asked.

    Those that did not change are known to stand as they did. A failure is kept on every ticket and raised. Not inside
    a transaction.
    """
    with tenant_scope(adapter.tenant_id):
        tracked = Ticket.objects.filter(adapter=adapter, phase=Ticket.Phase.TRACKED).select_related("adapter")
        tickets = list(tracked.order_by("synced_at"))
    if not tickets:
        return []
    told = {each.external_id: each for each in _told(adapter, tickets, now)}
    compare: list[tuple[Ticket, RemoteTicket | None]] = []
    unchanged = []
    for ticket in tickets:
        remote = told.get(ticket.external_id)
        is_due = ticket.due_at is not None and ticket.due_at <= now
        is_other = remote is not None and (remote.status, remote.state) != (ticket.remote_status, ticket.state)
        is_old = ticket.synced_at is not None and now - ticket.synced_at > LOOK_BACK
        if is_other or is_due or is_old:
            compare.append((ticket, remote if is_other else None))
        else:
            unchanged.append(ticket.id)
    with tenant_scope(adapter.tenant_id):
        still = Ticket.objects.filter(id__in=unchanged, phase=Ticket.Phase.TRACKED, due_at=None)
        still.update(synced_at=now, code="", error="")
    return compare


def call_from_tracker(*, adapter: AdapterConfig, external_ids: Sequence[str], now: datetime) -> int:
    """Have the named tickets looked at soon, because the tracker called; return how many of ours they are."""
    tracked = Ticket.objects.filter(adapter=adapter, external_id__in=external_ids, phase=Ticket.Phase.TRACKED)
    return tracked.filter(Q(due_at=None) | Q(due_at__gt=now)).update(due_at=now)


def _told(adapter: AdapterConfig, tickets: Sequence[Ticket], now: datetime) -> list[RemoteTicket]:
    looked = [ticket.synced_at for ticket in tickets if ticket.synced_at is not None]
    since = max(min(looked), now - LOOK_BACK) - CLOCKS_DIFFER
    try:
        with tenant_scope(adapter.tenant_id):
            tracker = opening.ticketing(adapter)
        told = tracker.changed(external_ids={ticket.external_id for ticket in tickets}, since=since)
    except AdapterError as error:
        with tenant_scope(adapter.tenant_id):
            Ticket.objects.filter(adapter=adapter, phase=Ticket.Phase.TRACKED).update(**failure_fields(error))
        TRACKER_LOOKS.labels(adapter.kind, "failed").inc()
        raise
    TRACKER_LOOKS.labels(adapter.kind, "answered").inc()
    return told
