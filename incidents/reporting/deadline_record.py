"""The verb that writes down how far the clock of a reporting obligation has run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.obligation import Obligation
from incidents.record.writer import Entry, lock, touch, write


def record_deadline(
    *, obligation: Obligation, percent: int, told: str, actor: Actor, now: datetime, vacant: Sequence[str] = ()
) -> TimelineEvent | None:
    """Append that the clock has run down to `percent`, or at 100 that its due date was missed; `told` says who hears.

    `vacant` are the roles that would have heard and that nobody holds.
    Return None where that, or more, is said already of this due date, and for a duty that was filed, decided
    against, or moved to another due date meanwhile.
    """
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(obligation.incident)
        current = Obligation.objects.open().filter(id=obligation.id, due_at=obligation.due_at).first()
        if current is None or current.due_at is None:
            return None
        due_at = rfc3339(current.due_at)
        kinds = [EventKind.OBLIGATION_DUE_SOON, EventKind.OBLIGATION_MISSED]
        said = TimelineEvent.objects.filter(incident=locked, kind__in=kinds, data__obligation=str(current.id))
        if said.filter(data__due_at=due_at, data__percent__gte=percent).exists():
            return None
        kind = EventKind.OBLIGATION_MISSED if percent >= 100 else EventKind.OBLIGATION_DUE_SOON
        data = {
            "obligation": str(current.id),
            "rule": current.rule_key,
            "regime": current.regime,
            "title": current.rule["title"],
            "due_at": due_at,
            "percent": percent,
            "is_decided": current.state == Obligation.State.APPLICABLE,
            "told": told,
            **({"vacant": list(vacant)} if vacant else {}),
        }
        write(incident=locked, action=str(kind), entries=[Entry(kind, data=data)], actor=actor, now=now, body=data)
        touch(locked)
        return said.filter(kind=kind).latest("seq")
