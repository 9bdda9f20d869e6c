"""Verbs on alerts and their senders: each alert gets its disposition, by rule or by a person."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from pydantic import SecretStr

from adapters.lifecycle import seal_text
from adapters.sealed_places import SealedPlace
from adapters.secrets import context_of, unseal_value
from conductor.ledger import receipts
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.lifecycle.incident import declare_incident
from incidents.lifecycle.timeline import record_alert
from incidents.lifecycle.words import Complaints
from incidents.models import AlertRecord, AlertSource, Incident, Outcome
from incidents.moves import REASON_CHARACTERS

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix by which Standard Webhooks marks a secret


class AlertSettled(Conflict):
    """Somebody has decided about this alert already."""

    code = "alert_settled"


class SourceNameTaken(Conflict):
    """There is an alert source of this name already."""

    code = "alert_source_exists"


@dataclass(frozen=True)
class NewSource:
    """A new alert source and the only sight of its secret."""

    source: AlertSource
    secret: str


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
    """Write down that an alert fired or ended; return its record, and whether it is new.

    Without `starts_at` the firing that is open is meant, or a new one begins. What is known is counted again.
    """
    require(actor=actor, permission="respond")
    ended = None if is_firing else (ended_at or now)
    with transaction.atomic():
        known = AlertRecord.objects.filter(source=source, fingerprint=fingerprint)
        known = known.filter(ended_at=None) if starts_at is None else known.filter(starts_at=starts_at)
        found = known.order_by("-starts_at").first()
        if found is None:
            record, is_new = AlertRecord.objects.get_or_create(
                tenant_id=tenant_id,
                source=source,
                fingerprint=fingerprint,
                starts_at=starts_at or now,
                defaults={**facts, "ended_at": ended, "first_seen_at": now, "last_seen_at": now},
            )
            if is_new:
                return record, True
            found = record
        changes: dict[str, Any] = {"last_seen_at": now, "times_seen": F("times_seen") + 1}
        if ended is not None and found.ended_at is None:
            changes["ended_at"] = ended
        AlertRecord.objects.filter(id=found.id).update(**changes)
        found.refresh_from_db()
    return found, False


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


def add_alert_source(*, tenant_id: UUID, name: str, shape: str, actor: Actor, now: datetime) -> NewSource:
    """Let a sender of signed webhooks in; its secret exists in the return value only."""
    require(actor=actor, permission="manage_adapters")
    complaints = Complaints()
    slug = complaints.line("name", name, most=40, required=True)
    if slug and not slug.replace("-", "").isalnum():
        complaints.add("name", "Use letters, digits and dashes.")
    complaints.choice("shape", shape, AlertSource.Shape)
    complaints.refuse()
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    source = AlertSource(
        tenant_id=tenant_id, name=slug.lower(), shape=shape, created_by_name=actor.name, created_at=now
    )
    source.sealed_secret = seal_text(
        tenant_id=tenant_id, value=SecretStr(secret), context=_context(source), actor=actor, now=now
    )
    try:
        with transaction.atomic():
            source.save(force_insert=True)
            receipts.append(
                tenant_id=tenant_id,
                action="incidents.alert_source.added",
                subject=ref("incidents.alert_source", source.id),
                subject_name=source.name,
                actor=actor,
                now=now,
                body={"name": source.name, "shape": shape},
            )
    except IntegrityError as error:
        raise SourceNameTaken from error
    return NewSource(source, secret)


def secret_of(source: AlertSource) -> str:
    """Return the source's secret, for checking a signature with it."""
    sealed = source.sealed_secret
    return unseal_value(sealed, tenant_id=source.tenant_id, context=_context(source)).get_secret_value()


def secret_places(tenant_id: UUID) -> Iterator[SealedPlace]:
    """Yield the sealed secrets of the tenant's alert sources, for its keys (adapters.sealed_places)."""
    for row in AlertSource.objects.filter(tenant_id=tenant_id):
        yield SealedPlace(f"Alert source {row.name}", row.sealed_secret, _context(row), partial(_put, row.id))


def _put(source_id: UUID, sealed: str) -> None:
    AlertSource.objects.filter(id=source_id).update(sealed_secret=sealed)


def _context(source: AlertSource) -> str:
    return context_of(tenant_id=source.tenant_id, adapter_id=source.id, field="alert_source")
