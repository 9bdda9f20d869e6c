"""How every verb on an incident writes its history: entries without gaps, and the receipt that vouches for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Max

from conductor.ledger import receipts
from conductor.ledger.models import Receipt
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.chain import chained
from incidents.record.refusals import IncidentIsHistory

SAFE = frozenset({"from", "to", "inferred", "policy_version", "policy_digest", "severity", "kind"})
"""What a receipt of a private incident may say: anybody who reads receipts reads it."""


@dataclass(frozen=True)
class Entry:
    """A timeline entry about to be written."""

    kind: EventKind
    body: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    """When it happened, if that is not when it is written down."""
    supersedes: UUID | None = None
    """The entry that this one corrects."""


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
    """Append the act's receipt and its timeline entries. Needs the incident's row lock, which keeps `seq` gapless.

    The receipt vouches for the entries by their digests and repeats none of their words, so that those can be
    redacted. Of a private incident it says no more than which statuses it passed.
    """
    events = _events(incident, entries, actor, now)
    facts = {name: value for name, value in (body or {}).items() if name in SAFE or not incident.is_private}
    vouched = [{"seq": each.seq, "kind": str(each.kind), "chain_digest": each.chain_digest} for each in events]
    receipt = receipts.append(
        tenant_id=incident.tenant_id,
        action=f"incidents.{action}",
        subject=incident.ref,
        subject_name=str(incident)[:200],
        actor=actor,
        now=now,
        body={"incident": incident.code, **facts, **({"entries": vouched} if vouched else {})},
        links=links,
        subjects=subjects,
    )
    for event in events:
        event.receipt_id = receipt.id
    TimelineEvent.objects.bulk_create(events)
    return receipt


def last_seq(incident: Incident) -> int:
    """Return the newest entry's number; 0 when there is none."""
    newest = TimelineEvent.objects.filter(incident=incident).aggregate(newest=Max("seq"))["newest"]
    return int(newest or 0)


def touch(incident: Incident, **changes: Any) -> None:
    """Update the incident's row and count its version up."""
    Incident.objects.filter(id=incident.id).update(version=F("version") + 1, **changes)


def _events(incident: Incident, entries: Sequence[Entry], actor: Actor, now: datetime) -> list[TimelineEvent]:
    """Return the unsaved rows, numbered and chained after the newest one."""
    if not entries:
        return []
    newest = TimelineEvent.objects.filter(incident=incident).order_by("-seq").values("seq", "chain_digest").first()
    events = (
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
            supersedes_id=entry.supersedes,
        )
        for seq, entry in enumerate(entries, start=(newest["seq"] if newest else 0) + 1)
    )
    return list(chained(events, previous=newest["chain_digest"] if newest else ""))
