"""Has the tickets of a record follow it. Queued in the transaction in which the record changes."""

from __future__ import annotations

from datetime import datetime

from adapters.models.ticket import Ticket
from adapters.tickets.lifecycle import want_comparison
from conductor.engine.lifecycle.starting import start_run
from conductor.tenancy.actors import Actor
from incidents.followups.ticket_state import Subject, follows

SYNC_WORKFLOW = "incidents.ticket_sync"


def carry_to_tickets(*, subject: Subject, actor: Actor, now: datetime) -> None:
    """Queue a run for each tracked ticket that says something else than the record by now. The sweep knows them too."""
    tracked = Ticket.objects.filter(subject=subject.ref, phase=Ticket.Phase.TRACKED)
    behind = [ticket for ticket in tracked if follows(ticket=ticket, subject=subject)]
    for ticket in behind:
        start_run(
            tenant_id=ticket.tenant_id,
            workflow=SYNC_WORKFLOW,
            input={"ticket_id": str(ticket.id)},
            actor=actor,
            now=now,
            subject=subject.incident.ref,
            environment_id=subject.incident.environment_id,
            dedup_key=f"{ticket.id}:{subject.revision}",
            title=f"Carry {subject.code} to {ticket.name}",
        )
    want_comparison(ticket_ids=[ticket.id for ticket in behind], now=now)
