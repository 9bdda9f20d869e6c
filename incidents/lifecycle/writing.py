"""How every verb on an incident writes its history: entries without gaps, and the receipt that vouches for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Max

from conductor.ledger import receipts
from conductor.ledger.models import Receipt
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from incidents.lifecycle.refusals import IncidentIsHistory
from incidents.models import EventKind, Incident, TimelineEvent


@dataclass(frozen=True)
class Entry:
    """A timeline entry about to be written."""

    kind: EventKind
    body: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    """When it happened, if that is not when it is written down."""


def lock(incident: Incident) -> Incident:
    """Return the incident as it is now, its row locked until the transaction ends. Refuses imported history."""
    current = Incident.objects.select_for_update().get(id=incident.id)
    if current.is_history:
        raise IncidentIsHistory
    return current


def write(
    *,
    incident: Incident,
    action: str,
    entries: Sequence[Entry],
    actor: Actor,
    now: datetime,
    body: Mapping[str, Any] | None = None,
    links: Iterable[Ref] = (),
    subjects: Iterable[Mapping[str, str]] = (),
) -> Receipt:
    """Append the act's receipt and its timeline entries. Needs the incident's row lock, which keeps `seq` gapless."""
    receipt = receipts.append(
        tenant_id=incident.tenant_id,
        action=f"incidents.{action}",
        subject=incident.ref,
        subject_name=str(incident)[:200],
        actor=actor,
        now=now,
        body={"incident": incident.code, **(body or {})},
        links=links,
        subjects=subjects,
    )
    if entries:
        _append(incident, entries, receipt, actor, now)
    return receipt


def last_seq(incident: Incident) -> int:
    """Return the newest entry's number; 0 when there is none."""
    newest = TimelineEvent.objects.filter(incident=incident).aggregate(newest=Max("seq"))["newest"]
    return int(newest or 0)


def touch(incident: Incident, **changes: Any) -> None:
    """Update the incident's row and count its version up."""
    Incident.objects.filter(id=incident.id).update(version=F("version") + 1, **changes)


def _append(incident: Incident, entries: Sequence[Entry], receipt: Receipt, actor: Actor, now: datetime) -> None:
    TimelineEvent.objects.bulk_create(
        TimelineEvent(
            tenant_id=incident.tenant_id,
            incident=incident,
            seq=seq,
            kind=entry.kind,
            occurred_at=entry.occurred_at or now,
            recorded_at=now,
            actor=actor.ref,
            actor_name=actor.name,
            source=actor.channel,
            body=entry.body,
            data=dict(entry.data),
            receipt_id=receipt.id,
        )
        for seq, entry in enumerate(entries, start=last_seq(incident) + 1)
    )
