"""Verbs on a request to redact an entry: one person asks, another approves or refuses, or the first one withdraws it.

What is approved drops words and keeps the digests that the chain and the receipts rest on (docs/decisions/0051). A
request that was refused or withdrawn stays on record, and the same entry may be asked about again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.history import Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, lock, touch, write

ACTION = "incidents.redact"


class RedactedAlready(Conflict):
    """This entry is redacted, or somebody has asked for it already."""

    code = "entry_redacted_already"


class ApproverIsRequester(Conflict):
    """A person who asks for a redaction neither approves nor refuses it. You can withdraw what you asked for."""

    code = "redaction_needs_another_person"


class NotTheRequester(Conflict):
    """Only the person who asked for a redaction can withdraw it. Refuse it, with a reason, if it should not happen."""

    code = "redaction_asked_by_another"


class RedactionAnswered(Conflict):
    """Somebody was first: this request is answered."""

    code = "redaction_answered"

    def __init__(self, redaction: Redaction) -> None:
        what = str(redaction.get_state_display()).lower()
        again = (
            "" if redaction.state == Redaction.State.APPROVED else " Ask again if the entry is still to be redacted."
        )
        super().__init__(f"This request was {what} by {redaction.answered_by_name}.{again}")


def request_redaction(
    *,
    event: TimelineEvent,
    reason: str,
    legal_basis: str,
    actor: Actor,
    now: datetime,
    drops_data: bool = False,
) -> Redaction:
    """Ask that the entry's text is dropped, with its facts if `drops_data`. Somebody else answers."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    basis = complaints.line("legal_basis", legal_basis, required=True)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(event.incident)
        if Redaction.objects.filter(event=event).exclude(state__in=Redaction.OVER).exists():
            raise RedactedAlready
        redaction = Redaction.objects.create(
            tenant_id=locked.tenant_id,
            event=event,
            reason=why,
            legal_basis=basis,
            drops_data=drops_data,
            requested_by=actor.ref,
            requested_by_name=actor.name,
            requested_at=now,
        )
        data = {"seq": event.seq, "legal_basis": basis}
        entry = Entry(EventKind.REDACTION_REQUESTED, why, data)
        write(incident=locked, action="entry.redaction_requested", entries=[entry], actor=actor, now=now, body=data)
        touch(locked)
    return redaction


def approve_redaction(*, redaction: Redaction, actor: Actor, now: datetime) -> TimelineEvent:
    """Drop the words for good, keeping the digests that the chain and the receipts rest on. Return the entry.

    Needs "command", policy, and another person than who asked. Approved already: nothing happens; else answered
    already: raise RedactionAnswered.
    """
    require(actor=actor, permission="command")
    decision = _ask(redaction, actor, now, approve=True)
    event = redaction.event
    with transaction.atomic():
        locked = lock(event.incident)
        if decision is not None and _answer(redaction, Redaction.State.APPROVED, "", actor, now):
            dropped = {"data": {}, "data_salt": ""} if redaction.drops_data else {}
            TimelineEvent.objects.filter(id=event.id).update(body="", body_salt="", redacted_at=now, **dropped)
            entry = Entry(EventKind.ENTRY_REDACTED, redaction.reason, _facts(redaction))
            _say(locked, "entry.redacted", entry, decision, actor, now)
    event.refresh_from_db()
    return event


def refuse_redaction(*, redaction: Redaction, reason: str, actor: Actor, now: datetime) -> Redaction:
    """Say that the entry stays as it is, and why. Return the request.

    Needs "command", policy, and another person than who asked. Refused already: nothing happens; else answered
    already: raise RedactionAnswered.
    """
    require(actor=actor, permission="command")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    complaints.refuse()
    decision = _ask(redaction, actor, now, approve=False)
    with transaction.atomic():
        locked = lock(redaction.event.incident)
        if decision is not None and _answer(redaction, Redaction.State.REFUSED, why, actor, now):
            entry = Entry(EventKind.REDACTION_REFUSED, why, _facts(redaction))
            _say(locked, "entry.redaction_refused", entry, decision, actor, now)
    return redaction


def withdraw_redaction(*, redaction: Redaction, actor: Actor, now: datetime, reason: str = "") -> Redaction:
    """Take back what one asked for oneself. Return the request.

    Raise NotTheRequester for anybody else. Withdrawn already: nothing happens; else answered already: raise
    RedactionAnswered.
    """
    require(actor=actor, permission="respond")
    if actor.ref != redaction.requested_by:
        raise NotTheRequester
    complaints = Complaints()
    why = complaints.text("reason", reason)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(redaction.event.incident)
        if _answer(redaction, Redaction.State.WITHDRAWN, why, actor, now):
            data = {"seq": redaction.event.seq, "legal_basis": redaction.legal_basis}
            _say(locked, "entry.redaction_withdrawn", Entry(EventKind.REDACTION_WITHDRAWN, why, data), None, actor, now)
    return redaction


def _ask(redaction: Redaction, actor: Actor, now: datetime, *, approve: bool) -> Decision | None:
    """Return the decision that lets the second person answer; None where the request is answered in this way already.

    Asked before the verb's transaction, so that a refusal by policy stays on record.
    """
    if actor.ref == redaction.requested_by:
        raise ApproverIsRequester
    redaction.refresh_from_db(fields=Redaction.ANSWER)
    if redaction.state != Redaction.State.WAITING:
        _same_or_raise(redaction, Redaction.State.APPROVED if approve else Redaction.State.REFUSED)
        return None
    incident = redaction.event.incident
    return require_policy(
        action=ACTION,
        actor=actor,
        resource={
            "ref": ref("incidents.redaction", redaction.id),
            "tenant": incident.tenant_id,
            "environment": incident.environment.slug if incident.environment else "",
            "severity": incident.severity,
            "visibility": incident.visibility,
            "owner": redaction.requested_by,
            "state": redaction.state,
            "approve": approve,
            "drops_data": redaction.drops_data,
        },
        context={
            "four_eyes": {"required": True, "requested_by": redaction.requested_by, "approved_by": actor.ref},
            "legal_basis": "" if incident.is_private else redaction.legal_basis,
        },
        tenant_id=incident.tenant_id,
        now=now,
    )


def _answer(redaction: Redaction, state: Redaction.State, reason: str, actor: Actor, now: datetime) -> bool:
    """Move the request out of WAITING; return False where it stands at `state` already. Raise RedactionAnswered."""
    told = {"answered_by": actor.ref, "answered_by_name": actor.name, "answered_at": now, "answer_reason": reason}
    waiting = Redaction.objects.filter(id=redaction.id, state=Redaction.State.WAITING)
    is_first = waiting.update(state=state, **told) == 1
    redaction.refresh_from_db(fields=Redaction.ANSWER)
    if not is_first:
        _same_or_raise(redaction, state)
    return is_first


def _same_or_raise(redaction: Redaction, state: Redaction.State) -> None:
    if redaction.state != state:
        raise RedactionAnswered(redaction)


def _facts(redaction: Redaction) -> dict[str, object]:
    seq, basis = redaction.event.seq, redaction.legal_basis
    return {"seq": seq, "legal_basis": basis, "asked_by": redaction.requested_by_name}


def _say(locked: Incident, action: str, entry: Entry, decision: Decision | None, actor: Actor, now: datetime) -> None:
    cited = {"decision": decision.citation} if decision else {}
    links = [decision.record.ref] if decision and decision.record else []
    body = {**entry.data, **cited}
    write(incident=locked, action=action, entries=[entry], actor=actor, now=now, body=body, links=links)
    touch(locked)
