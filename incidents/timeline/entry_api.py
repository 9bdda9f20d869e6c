"""One entry of a timeline: read it with what became of it, correct it, and have it redacted by two people."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.models.history import Redaction
from incidents.record.schemas import EventOut
from incidents.timeline import corrections, redactions
from incidents.timeline.schemas import CorrectionIn, EntryOut, RedactionIn, RedactionOut, RefusalIn, WithdrawalIn
from incidents.timeline.selectors import EntryFound, timeline_entry

router = Router(tags=["incidents"])


@router.get("/{number}/timeline/{seq}", response=EntryOut, operation_id="get_entry")
def get_entry(request: TenantRequest, number: int, seq: int) -> Any:
    """One entry, what corrects it, and every request to redact it."""
    return _found(request, number, seq)


@router.post("/{number}/timeline/{seq}/correction", response={201: EventOut}, operation_id="correct_entry")
def correct_entry(request: TenantRequest, number: int, seq: int, payload: CorrectionIn) -> Any:
    """Append an entry that counts in its place; what was written first stays readable."""
    event = _found(request, number, seq).event
    return Status(201, corrections.correct_entry(event=event, actor=request.actor, now=now(), **payload.dict()))


@router.post("/{number}/timeline/{seq}/redaction", response={201: RedactionOut}, operation_id="request_redaction")
def request_redaction(request: TenantRequest, number: int, seq: int, payload: RedactionIn) -> Any:
    """Ask that its words are dropped; somebody else answers."""
    event = _found(request, number, seq).event
    return Status(201, redactions.request_redaction(event=event, actor=request.actor, now=now(), **payload.dict()))


@router.post("/{number}/timeline/{seq}/redaction/approval", response=RedactionOut, operation_id="approve_redaction")
def approve_redaction(request: TenantRequest, number: int, seq: int) -> Any:
    """Drop the words for good. Needs another person than who asked. Approved already: nothing happens."""
    asked = _asked(request, number, seq)
    redactions.approve_redaction(redaction=asked, actor=request.actor, now=now())
    return asked


@router.post("/{number}/timeline/{seq}/redaction/refusal", response=RedactionOut, operation_id="refuse_redaction")
def refuse_redaction(request: TenantRequest, number: int, seq: int, payload: RefusalIn) -> Any:
    """Keep the words, and say why. Needs another person than who asked. Refused already: nothing happens."""
    asked = _asked(request, number, seq)
    return redactions.refuse_redaction(redaction=asked, reason=payload.reason, actor=request.actor, now=now())


@router.post("/{number}/timeline/{seq}/redaction/withdrawal", response=RedactionOut, operation_id="withdraw_redaction")
def withdraw_redaction(request: TenantRequest, number: int, seq: int, payload: WithdrawalIn) -> Any:
    """Take back one's own request. Withdrawn already: nothing happens."""
    asked = _asked(request, number, seq)
    return redactions.withdraw_redaction(redaction=asked, reason=payload.reason, actor=request.actor, now=now())


def _found(request: TenantRequest, number: int, seq: int) -> EntryFound:
    require(actor=request.actor, permission="view_incidents")
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    return timeline_entry(incident=incident, seq=seq)


def _asked(request: TenantRequest, number: int, seq: int) -> Redaction:
    """Return the newest request about the entry, answered or not: the verb says who was first."""
    asked = _found(request, number, seq).newest_redaction
    if asked is None:
        raise NotFound("Nobody has asked to redact this entry.")
    return asked
