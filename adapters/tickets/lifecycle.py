"""Tickets in a tenant's tracker: asked for, opened once, looked at, moved. What they mean here, their app decides.

The tracker is called outside of transactions; what it said is written in the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from adapters.configuration import opening
from adapters.configuration.receipts import ERROR_CHARACTERS
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import NewTicket, RemoteTicket, TicketingPort, TicketState
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.scope import tenant_scope

CLAIM = timedelta(seconds=90)
"""Longer than an opening can last: a tracker's calls end within 30 s each, and one opening makes few."""
CLOCKS_DIFFER = timedelta(minutes=10)
"""A tracker's clock may be this far from ours."""
PERMISSION = "respond"


class TicketTied(Conflict):
    """This ticket is tied to this record already."""

    code = "ticket_tied"


class TicketEnded(Conflict):
    """This ticket is not followed any more."""

    code = "ticket_ended"


class TicketCompared(Conflict):
    """Somebody else has compared this ticket meanwhile."""

    code = "ticket_compared"


class TrackerFailed(Conflict):
    """The tracker did not do what was asked."""

    code = "tracker_failed"


def request_ticket(
    *,
    adapter: AdapterConfig,
    subject: Ref,
    subject_state: str,
    content: Mapping[str, str],
    actor: Actor,
    now: datetime,
) -> tuple[Ticket, bool]:
    """Say that a ticket about `subject` is wanted in this tracker; return it, and whether it is new.

    `content` is {title, text, url}, `subject_state` how the record stands. There is one such ticket: asked again, it is
    returned, and one that had failed waits to be opened again.
    """
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        ticket, is_new = Ticket.objects.get_or_create(
            tenant_id=adapter.tenant_id,
            adapter=adapter,
            subject=subject,
            origin=Ticket.Origin.OPENED,
            ended_at=None,
            defaults={
                "subject_state": subject_state,
                "content": {name: content[name] for name in ("title", "text", "url")},
                "created_at": now,
                "created_by": actor.ref,
                "created_by_name": actor.name,
            },
        )
        failed = Ticket.objects.filter(id=ticket.id, phase=Ticket.Phase.FAILED)
        if failed.update(phase=Ticket.Phase.REQUESTED):
            ticket.refresh_from_db()
        if is_new:
            _receipt(ticket, "requested", actor, now)
    return ticket, is_new


def open_ticket(*, tenant_id: UUID, ticket_id: UUID, actor: Actor, now: datetime) -> Ticket:
    """Have the tracker hold the requested ticket, once, whoever else tries; return it. Raise AdapterError.

    Not inside a transaction. A failure for good is kept on the row; asked again, it is tried again.
    """
    with tenant_scope(tenant_id):
        ticket = Ticket.objects.select_related("adapter").get(id=ticket_id)
        if ticket.phase in (Ticket.Phase.TRACKED, Ticket.Phase.ENDED):
            return ticket
        _claim(ticket, now)
    settles_in = timedelta(0)
    try:
        with tenant_scope(tenant_id):
            tracker = opening.ticketing(ticket.adapter)
        settles_in = tracker.settles_in
        wanted = NewTicket(key=ticket.key, **ticket.content)
        remote = tracker.create(ticket=wanted, since=ticket.created_at - CLOCKS_DIFFER)
    except AdapterError as error:
        phase = Ticket.Phase.FAILED if error.permanent else Ticket.Phase.REQUESTED
        with tenant_scope(tenant_id):
            mine = Ticket.objects.filter(id=ticket_id, claim_ends_at=ticket.claim_ends_at)
            # What was sent may have been taken, and the tracker may not show it yet: nobody asks before it would.
            mine.update(
                phase=phase, claim_ends_at=None if error.permanent else now + settles_in, **failure_fields(error)
            )
        raise
    with tenant_scope(tenant_id), transaction.atomic():
        open_ones = Ticket.objects.filter(id=ticket_id, phase__in=[Ticket.Phase.REQUESTED, Ticket.Phase.FAILED])
        facts = _seen(remote, now)
        if open_ones.update(phase=Ticket.Phase.TRACKED, claim_ends_at=None, **facts):
            ticket.refresh_from_db()
            _receipt(ticket, "opened", actor, now)
        return Ticket.objects.select_related("adapter").get(id=ticket_id)


def tie_ticket(
    *, adapter: AdapterConfig, subject: Ref, text: str, subject_state: str, actor: Actor, now: datetime
) -> Ticket:
    """Tie a ticket that exists to the record; `text` is its name or address. Nothing is moved by that.

    Calls the tracker: not inside a transaction. Raise Invalid about `ticket`, TrackerFailed, or TicketTied.
    """
    require(actor=actor, permission=PERMISSION)
    try:
        with tenant_scope(adapter.tenant_id):
            tracker = opening.ticketing(adapter)
        remote = tracker.read(external_id=tracker.locate(text))
    except AdapterError as error:
        if error.code in {"ticket_unnamed", "ticket_missing"}:
            raise Invalid(fields={"ticket": [error.message]}) from error
        raise TrackerFailed(error.message) from error
    with tenant_scope(adapter.tenant_id):
        try:
            with transaction.atomic():
                ticket = Ticket.objects.create(
                    tenant_id=adapter.tenant_id,
                    adapter=adapter,
                    subject=subject,
                    origin=Ticket.Origin.LINKED,
                    phase=Ticket.Phase.TRACKED,
                    subject_state=subject_state,
                    created_at=now,
                    created_by=actor.ref,
                    created_by_name=actor.name,
                    **_seen(remote, now),
                )
                _receipt(ticket, "linked", actor, now)
        except IntegrityError as error:
            raise TicketTied from error
    return ticket


def end_ticket(*, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """Follow the ticket no more; it stays in the tracker as it is. Raise TicketEnded."""
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        live = Ticket.objects.filter(id=ticket.id, ended_at=None)
        if not live.update(phase=Ticket.Phase.ENDED, ended_at=now, due_at=None, claim_ends_at=None):
            raise TicketEnded
        ticket.refresh_from_db()
        _receipt(ticket, "ended", actor, now)


def look_at_ticket(*, ticket: Ticket) -> RemoteTicket:
    """Return the ticket as the tracker has it now. A failure is kept on the row and raised. Not in a transaction."""
    try:
        return _tracker(ticket).read(external_id=ticket.external_id)
    except AdapterError as error:
        _keep(ticket, error)
        raise


def move_ticket(*, ticket: Ticket, state: TicketState, comment: str, key: str) -> RemoteTicket:
    """Bring the ticket to a status of that meaning and say why; return it as it is then. Not in a transaction.

    `key` names the comment: it is made once. A failure is kept on the row and raised.
    """
    try:
        tracker = _tracker(ticket)
        tracker.comment(external_id=ticket.external_id, text=comment, key=key)
        return tracker.move(external_id=ticket.external_id, state=state)
    except AdapterError as error:
        _keep(ticket, error)
        raise


def record_comparison(*, ticket: Ticket, remote: RemoteTicket, subject_state: str, now: datetime) -> None:
    """Write down how ticket and record stand, in the caller's transaction: the next comparison starts from there.

    Raise TicketCompared where somebody else has done so since the caller read `ticket`.
    """
    as_read = Ticket.objects.filter(
        id=ticket.id, ended_at=None, state=ticket.state, subject_state=ticket.subject_state, synced_at=ticket.synced_at
    )
    if not as_read.update(subject_state=subject_state, due_at=None, **_seen(remote, now)):
        raise TicketCompared
    ticket.refresh_from_db()


def want_comparison(*, ticket_ids: list[UUID], now: datetime) -> int:
    """Have the tickets compared soon, whatever becomes of who was going to; return how many."""
    tracked = Ticket.objects.filter(id__in=ticket_ids, phase=Ticket.Phase.TRACKED)
    return tracked.filter(Q(due_at=None) | Q(due_at__gt=now)).update(due_at=now)


def _claim(ticket: Ticket, now: datetime) -> None:
    """Become the only one who opens it, for a while. Raise a temporary AdapterError if somebody is."""
    free = Ticket.objects.filter(
        Q(claim_ends_at=None) | Q(claim_ends_at__lte=now),
        id=ticket.id,
        phase__in=[Ticket.Phase.REQUESTED, Ticket.Phase.FAILED],
    )
    if not free.update(claim_ends_at=now + CLAIM, attempts=F("attempts") + 1, phase=Ticket.Phase.REQUESTED):
        message = "Somebody is opening this ticket, or the tracker may still hold what was sent"
        raise AdapterError(message, permanent=False, code="ticket_claimed")
    ticket.refresh_from_db()


def _tracker(ticket: Ticket) -> TicketingPort:
    with tenant_scope(ticket.tenant_id):
        return opening.ticketing(ticket.adapter)


def _keep(ticket: Ticket, error: AdapterError) -> None:
    with tenant_scope(ticket.tenant_id):
        Ticket.objects.filter(id=ticket.id).update(**failure_fields(error))


def failure_fields(error: AdapterError) -> dict[str, str]:
    """Return what a row keeps of a failure."""
    return {"code": error.code[:40], "error": error.message[:ERROR_CHARACTERS]}


def _seen(remote: RemoteTicket, now: datetime) -> dict[str, Any]:
    """Return what the row says of the ticket, as the tracker has it."""
    return {
        "external_id": remote.external_id[:200],
        "name": remote.name[:200],
        "url": remote.url[:500],
        "title": remote.title[:300],
        "remote_status": remote.status[:80],
        "state": remote.state.value,
        "remote_updated_at": remote.updated_at,
        "synced_at": now,
        "code": "",
        "error": "",
    }


def _receipt(ticket: Ticket, what: str, actor: Actor, now: datetime) -> None:
    append(
        tenant_id=ticket.tenant_id,
        action=f"adapters.ticket.{what}",
        subject=ticket.ref,
        subject_name=(ticket.name or f"Ticket in {ticket.adapter.name}")[:200],
        actor=actor,
        now=now,
        body={"tracker": ticket.adapter.name, "kind": ticket.adapter.kind, "about": ticket.subject, "url": ticket.url},
        links=[ticket.subject],
    )
