"""The steps that open a ticket and carry a record's state to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError
from adapters.tickets import lifecycle
from adapters.tickets.lifecycle import TicketCompared
from conductor.engine.define.context import StepContext
from conductor.tenancy.database.scope import tenant_scope
from incidents.followups.tickets import record_ticket
from incidents.followups.tickets import sync_ticket as sync


def open_ticket(ctx: StepContext) -> dict[str, Any]:
    """Have the tracker hold the ticket, and record where: each once, however often this runs."""
    ctx.heartbeat()
    ticket = lifecycle.open_ticket(
        tenant_id=ctx.tenant_id, ticket_id=UUID(ctx.input["ticket_id"]), actor=ctx.actor, now=ctx.now()
    )
    if ticket.phase != Ticket.Phase.TRACKED:
        return {"ticket": ticket.ref, "ended": True}
    with tenant_scope(ctx.tenant_id):
        record_ticket(ticket=ticket, actor=ctx.actor, now=ctx.now())
    ctx.log("ticket opened", name=ticket.name, tracker=ticket.adapter.name)
    return {"ticket": ticket.ref, "name": ticket.name, "url": ticket.url}


def sync_ticket(ctx: StepContext) -> dict[str, Any]:
    """Compare ticket and record, and have the one follow the other."""
    with tenant_scope(ctx.tenant_id):
        ticket = Ticket.objects.select_related("adapter").get(id=UUID(ctx.input["ticket_id"]))
    if ticket.phase != Ticket.Phase.TRACKED:
        return {"ticket": ticket.ref, "ended": True}
    ctx.heartbeat()
    try:
        sync(ticket=ticket, actor=ctx.actor, now=ctx.now())
    except TicketCompared as error:
        # Somebody else does the same just now: the next try finds what they have left.
        raise AdapterError(error.detail, permanent=False, code=error.code) from error
    ctx.log("ticket compared", name=ticket.name, status=ticket.remote_status)
    return {"ticket": ticket.ref, "status": ticket.remote_status, "state": ticket.state}
