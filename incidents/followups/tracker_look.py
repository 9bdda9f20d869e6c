"""Keeps tickets and records together, tracker by tracker.

A look is bounded as a whole, and an organisation's trackers are looked at one after the other: however slow they are,
they hold one worker at most.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F, Min

from adapters.configuration import breaker
from adapters.models.adapter import AdapterConfig
from adapters.models.breaker import Breaker
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError, Port
from adapters.tickets.changes import look_for_changes
from conductor.engine.claim.wake import send
from conductor.lib.deadlines import conversation, left
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from incidents.followups.tickets import sync_ticket

LOOK = "incidents.look_at_trackers"
"""The Celery task that looks at an organisation's trackers."""
LOOK_SECONDS = 30.0
"""For everything that one look exchanges with its tracker. What it did not get to, the next look does."""
ALL_SECONDS = 50.0
"""No other tracker of the organisation is begun after that: the next sweep begins with those that waited longest."""

log = structlog.get_logger("incidents.followups.tracker_look")


def trackers_in_use(tenant_id: UUID) -> list[UUID]:
    """Return the ids of the tenant's enabled trackers that hold tickets which are followed, longest unseen first."""
    with tenant_scope(tenant_id):
        tracked = Ticket.objects.filter(phase=Ticket.Phase.TRACKED, adapter__port=Port.TICKETING.value)
        seen = tracked.filter(adapter__enabled=True).values("adapter").annotate(seen_at=Min("synced_at"))
        return [each["adapter"] for each in seen.order_by(F("seen_at").asc(nulls_first=True), "adapter")]


def look_at_trackers(*, tenant_id: UUID, clock: Callable[[], datetime]) -> int:
    """Look at the tenant's trackers in turn; return how many tickets were compared. Not inside a transaction."""
    began = clock()
    compared = 0
    for adapter_id in trackers_in_use(tenant_id):
        if clock() - began > timedelta(seconds=ALL_SECONDS):
            break
        compared += sync_tracker(tenant_id=tenant_id, adapter_id=adapter_id, now=clock())
    return compared


def sync_tracker(*, tenant_id: UUID, adapter_id: UUID, now: datetime) -> int:
    """Compare what changed in the tracker, or here; return how many tickets were compared. Not inside a transaction.

    One ticket that fails holds no other up: why is on its row, and it is tried again the next time. Nothing is asked
    while another worker looks at a tracker of the tenant, or while this one is left alone after failures in a row.
    """
    with tenant_scope(tenant_id):
        adapter = AdapterConfig.objects.filter(id=adapter_id, port=Port.TICKETING.value, enabled=True).first()
        turn = _take_turn(adapter, now) if adapter else ""
    if adapter is None or not turn:
        return 0
    try:
        with conversation(LOOK_SECONDS):
            return _look(adapter, now)
    finally:
        with tenant_scope(tenant_id):
            breaker.end_turn(adapter=adapter, token=turn)


def _take_turn(adapter: AdapterConfig, now: datetime) -> str:
    """Return a token for the tenant's one look at a time; empty while another lasts, or the tracker is left alone."""
    with connection.cursor() as cursor:
        key = f"trackers:{adapter.tenant_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    under_way = Breaker.objects.filter(adapter__port=Port.TICKETING.value, turn_ends_at__gt=now)
    return "" if under_way.exists() else breaker.take_turn(adapter=adapter, now=now)


def _look(adapter: AdapterConfig, now: datetime) -> int:
    try:
        due = look_for_changes(adapter=adapter, now=now)
    except AdapterError as error:
        log.warning("tracker failed", tracker=adapter.name, kind=adapter.kind, code=error.code)
        with tenant_scope(adapter.tenant_id):
            breaker.note_failure(adapter=adapter, error=error, now=now)
        return 0
    with tenant_scope(adapter.tenant_id):
        breaker.note_answer(adapter=adapter, now=now)
    compared = 0
    for ticket, remote in due:
        if not left(1):
            log.warning("look ended", tracker=adapter.name, kind=adapter.kind, left=len(due) - compared)
            break
        try:
            sync_ticket(ticket=ticket, remote=remote, actor=Actor.system(), now=now)
            compared += 1
        except (AdapterError, Refused) as error:
            log.warning("ticket not compared", ticket=ticket.ref, code=error.code)
    return compared


def wake(*, tenant_id: UUID) -> None:
    """Have a worker look at the tenant's trackers soon. The sweep sends again what is lost or was not taken."""
    send(LOOK, {"tenant_id": str(tenant_id)}, expires=settings.CONDUCTOR_TRACKER_SECONDS)
