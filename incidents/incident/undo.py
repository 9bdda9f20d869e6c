"""Taking a move of the status back at once, by whoever made it: the slip of a finger, not a change of mind."""

from __future__ import annotations

from datetime import datetime, timedelta

from conductor.tenancy.actors import Actor, require
from incidents.incident.merge import unmerge_incident
from incidents.incident.status import move_incident
from incidents.models.choices import Status
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.record.moves import find_move
from incidents.record.refusals import UndoTooLate
from incidents.record.wording import status_word

UNDO_WITHIN = timedelta(minutes=10)


def undoable(*, incident: Incident, actor: Actor, now: datetime) -> StatusTransition | None:
    """Return the newest move of the incident if `actor` can take it back now, else None.

    They made it at most UNDO_WITHIN ago, nobody has moved the incident since, and a move leads back to the status
    before: none does from Resolved to Monitoring, as a resolved incident is reopened instead.
    """
    newest = StatusTransition.objects.filter(incident=incident).order_by("-seq").first()
    if newest is None or newest.actor != actor.ref or now - newest.occurred_at > UNDO_WITHIN:
        return None
    back = find_move(before=incident.status, to=before) if (before := _before(newest)) else None
    return newest if newest.to_status == incident.status and back else None


def undo_move(*, incident: Incident, seq: int, actor: Actor, now: datetime) -> Incident:
    """Move the incident back to the status before its transition `seq`; the timeline keeps both moves.

    An ordinary move with a reason that says so: its guards and policy are asked, and its receipt, notices and
    tickets follow. The time of the first mitigation stays, as after every move back. Raise UndoTooLate unless
    `seq` is what `undoable` returns, and what move_incident raises.
    """
    require(actor=actor, permission="respond")
    found = undoable(incident=incident, actor=actor, now=now)
    if found is None or found.seq != seq:
        raise UndoTooLate(incident)
    reason = f"The move to {status_word(found.to_status)} was undone by the person who made it."
    if incident.status == Status.DUPLICATE:
        return unmerge_incident(incident=incident, reason=reason, actor=actor, now=now)
    return move_incident(incident=incident, to=_before(found), reason=reason, actor=actor, now=now)


def _before(said: StatusTransition) -> str:
    """Return the status before the move, behind the statuses that it passed through; empty for a declaration."""
    first = said
    earlier = StatusTransition.objects.filter(incident_id=said.incident_id, seq__lt=said.seq).order_by("-seq")
    for each in earlier.iterator():
        if not each.inferred:
            break
        first = each
    return first.from_status
