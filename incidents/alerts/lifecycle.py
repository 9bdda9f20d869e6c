"""Verbs on alerts: each gets its disposition, by rule or by a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from conductor.ledger import receipts
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.incident.lifecycle import declare_incident
from incidents.models.alert import AlertRecord, Outcome
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints
from incidents.record.moves import REASON_CHARACTERS
from incidents.timeline.lifecycle import record_alert


class AlertSettled(Conflict):
    """Somebody has decided about this alert already."""

    code = "alert_settled"


def note_alert(
    *,
    tenant_id: UUID,
    source: str,
    fingerprint: str,
    starts_at: datetime | None,
    is_firing: bool,
    ended_at: datetime | None,
    facts: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> tuple[AlertRecord, bool]:
    """Write down that an alert fired or ended; return its record, and whether its disposition is to be found.

    An end closes the firing that is open, whatever start it names; without `starts_at` that one is meant, or a new
    one begins. A firing that comes after its own end makes one record with it. What is known is counted again.
    """
    require(actor=actor, permission="respond")
    ended = None if is_firing else (ended_at or now)
    with transaction.atomic():
        found = _known(source, fingerprint, starts_at, ended)
        if found is None:
            found, is_new = AlertRecord.objects.get_or_create(
                tenant_id=tenant_id,
                source=source,
                fingerprint=fingerprint,
                starts_at=starts_at or ended or now,
                defaults={
                    **facts,
                    "ended_at": ended,
                    "has_fired": is_firing,
                    "first_seen_at": now,
                    "last_seen_at": now,
                },
            )
            if is_new:
                return found, True
        seen: dict[str, Any] = {"last_seen_at": now, "times_seen": F("times_seen") + 1}
        if ended is not None and found.ended_at is None:
            seen["ended_at"] = max(ended, found.starts_at)
        AlertRecord.objects.filter(id=found.id).update(**seen)
        is_late = is_firing and _fires_after_its_end(found, starts_at, facts)
        found.refresh_from_db()
    return found, is_late


def _known(source: str, fingerprint: str, starts_at: datetime | None, ended: datetime | None) -> AlertRecord | None:
    """Return the record that is meant: of the same start, else of the firing that is open, else of its end."""
    same = AlertRecord.objects.filter(source=source, fingerprint=fingerprint).order_by("-starts_at")
    if starts_at is not None and (exact := same.filter(starts_at=starts_at).first()):
        return exact
    is_open = same.filter(ended_at=None)
    if ended is None:
        if starts_at is None:
            return is_open.first()
        # Grafana ends an alert with the end as its start: where that came first, this is how it began.
        return same.filter(has_fired=False, starts_at=F("ended_at"), ended_at__gte=starts_at).last()
    if starts_at is None:
        return is_open.first() or same.first()
    return is_open.filter(starts_at__lte=ended).first() or same.filter(ended_at=ended).first()


def _fires_after_its_end(record: AlertRecord, starts_at: datetime | None, facts: Mapping[str, Any]) -> bool:
    """Turn the record of an end that nobody had seen fire into one that waits for its disposition, once."""
    waiting = {"has_fired": True, "outcome": Outcome.PENDING, "reason": "", "disposed_at": None, "disposed_by_name": ""}
    began = min(starts_at or record.starts_at, record.starts_at)
    unseen = AlertRecord.objects.filter(id=record.id, has_fired=False)
    return bool(unseen.update(**{**facts, **waiting, "starts_at": began}))


def hold_alert(*, alert: AlertRecord, reason: str, actor: Actor) -> AlertRecord:
    """Say on an alert that waits for a person why it does. One that has its disposition is left as it is."""
    require(actor=actor, permission="respond")
    AlertRecord.objects.filter(id=alert.id, outcome=Outcome.PENDING).update(reason=reason[:2000])
    alert.refresh_from_db()
    return alert


def settle_alert(
    *, alert: AlertRecord, outcome: str, reason: str, incident: Incident | None, actor: Actor, now: datetime
) -> AlertRecord:
    """Give a pending alert its disposition and its reason, with a receipt. Raise AlertSettled if it has one."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        pending = AlertRecord.objects.filter(id=alert.id, outcome=Outcome.PENDING)
        changed = pending.update(
            outcome=outcome, reason=reason, incident=incident, disposed_by_name=actor.name, disposed_at=now
        )
        if not changed:
            raise AlertSettled
        receipts.append(
            tenant_id=alert.tenant_id,
            action="incidents.alert.settled",
            subject=ref("incidents.alert", alert.id),
            subject_name=f"{alert.source} alert {alert.fingerprint}"[:200],
            actor=actor,
            now=now,
            body={"outcome": str(outcome), "source": alert.source, "fingerprint": alert.fingerprint},
            links=[incident.ref] if incident is not None else [],
        )
    alert.refresh_from_db()
    return alert


def dismiss_alert(*, alert: AlertRecord, reason: str, actor: Actor, now: datetime) -> AlertRecord:
    """A person says that a waiting alert is no incident, and why."""
    complaints = Complaints()
    why = complaints.text("reason", reason)
    if len(why) < REASON_CHARACTERS:
        complaints.add("reason", f"Say why, in at least {REASON_CHARACTERS} characters.")
    complaints.refuse()
    return settle_alert(alert=alert, outcome=Outcome.NO_INCIDENT, reason=why, incident=None, actor=actor, now=now)


def declare_from_alert(*, alert: AlertRecord, actor: Actor, now: datetime) -> Incident:
    """A person makes a waiting alert an incident, or has it join the one that is live for it."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = AlertRecord.objects.select_for_update().get(id=alert.id)
        if locked.outcome != Outcome.PENDING:
            raise AlertSettled
        incident, is_new = declare_incident(
            tenant_id=locked.tenant_id,
            title=f"{locked.name} on {locked.service}"[:200] if locked.service else locked.name,
            severity=locked.severity,
            summary=locked.summary,
            service=locked.service,
            dedup_key=f"alert:{locked.source}:{locked.fingerprint}",
            detected_at=locked.starts_at,
            actor=actor,
            now=now,
        )
        facts = {
            "name": locked.name,
            "fingerprint": locked.fingerprint,
            "starts_at": rfc3339(locked.starts_at),
            "service": locked.service,
            "generator_url": locked.url,
            "summary": locked.summary,
        }
        record_alert(incident=incident, is_firing=True, alert=facts, occurred_at=locked.starts_at, actor=actor, now=now)
        outcome = Outcome.DECLARED if is_new else Outcome.ATTACHED
        reason = f"{actor.name} made it {incident.code}."
        settle_alert(alert=locked, outcome=outcome, reason=reason, incident=incident, actor=actor, now=now)
    alert.refresh_from_db()
    return incident
