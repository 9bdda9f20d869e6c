"""Verbs on the senders of alerts: add one, change its words or its secret, end it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from pydantic import SecretStr

from adapters.secrets import context_of, unseal_value
from adapters.secrets.data_keys import seal_text
from adapters.secrets.places import SealedPlace
from conductor.ledger import receipts
from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.alerts.parsers.severity_words import NONE, key_of
from incidents.models.alert import AlertSource
from incidents.models.choices import Severity
from incidents.record.input_cleaning import Complaints

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix by which Standard Webhooks marks a secret
OVERLAP = timedelta(hours=24)
"""So long the old secret is still taken after a rotation, so that no alert is lost while the sender is changed."""
SEEN_EVERY = timedelta(minutes=1)
MOST_WORDS = 100
SHORTEST_SECRET, LONGEST_SECRET = 16, 200
Shape = AlertSource.Shape


class SourceNameTaken(Conflict):
    """There is an alert source of this name already."""

    code = "alert_source_exists"


class SourceEnded(Conflict):
    """This alert source has ended. Add a new one."""

    code = "alert_source_ended"


@dataclass(frozen=True)
class NewSource:
    """An alert source and the only sight of its secret."""

    source: AlertSource
    secret: str


def add_alert_source(
    *,
    tenant_id: UUID,
    name: str,
    shape: str,
    actor: Actor,
    now: datetime,
    severity_words: Mapping[str, str] | None = None,
) -> NewSource:
    """Let a sender of alerts in; its secret exists in the return value only.

    Raise Invalid naming every field at fault, or SourceNameTaken.
    """
    require(actor=actor, permission="manage_adapters")
    complaints = Complaints()
    slug = complaints.line("name", name, most=40, required=True)
    if slug and not (slug.isascii() and slug.replace("-", "").isalnum()):
        complaints.add("name", "Use letters, digits and dashes.")
    complaints.choice("shape", shape, Shape)
    words = _clean_words(complaints, severity_words or {})
    complaints.refuse()
    source = AlertSource(
        tenant_id=tenant_id,
        name=slug.lower(),
        shape=shape,
        severity_words=words,
        created_by_name=actor.name,
        created_at=now,
    )
    secret = _seal(source, _new_secret(shape), actor, now)
    try:
        with transaction.atomic():
            source.save(force_insert=True)
            _receipt(source, "added", {"shape": shape, "severity_words": words}, actor, now)
    except IntegrityError as error:
        raise SourceNameTaken from error
    return NewSource(source, secret)


def rotate_alert_source(*, source: AlertSource, actor: Actor, now: datetime, secret: str = "") -> NewSource:
    """Give the source another secret: `secret`, where its sender makes them as PagerDuty does, or a new one.

    The old one is still taken for OVERLAP. Raise SourceEnded, or Invalid for a secret that is too short or long.
    """
    require(actor=actor, permission="manage_adapters")
    complaints = Complaints()
    given = complaints.line("secret", secret, most=LONGEST_SECRET)
    if given and len(given) < SHORTEST_SECRET:
        complaints.add("secret", f"Use at least {SHORTEST_SECRET} characters.")
    if given and source.shape == Shape.GENERIC and not _is_standard(given):
        complaints.add("secret", f"Standard Webhooks wants {SECRET_PREFIX} and base64.")
    complaints.refuse()
    with transaction.atomic():
        locked = _live(source)
        locked.previous_sealed_secret, locked.previous_key_digest = locked.sealed_secret, locked.key_digest
        locked.previous_ends_at = now + OVERLAP
        plain = _seal(locked, given or _new_secret(locked.shape), actor, now)
        locked.save()
        until = rfc3339(locked.previous_ends_at)
        _receipt(locked, "rotated", {"given": bool(given), "previous_ends_at": until}, actor, now)
    source.refresh_from_db()
    return NewSource(source, plain)


def map_severities(*, source: AlertSource, words: Mapping[str, str], actor: Actor, now: datetime) -> AlertSource:
    """Replace the mapping of the sender's severity words. Raise SourceEnded or Invalid."""
    require(actor=actor, permission="manage_adapters")
    complaints = Complaints()
    cleaned = _clean_words(complaints, words)
    complaints.refuse()
    with transaction.atomic():
        locked = _live(source)
        locked.severity_words = cleaned
        locked.save(update_fields=["severity_words"])
        _receipt(locked, "mapped", {"severity_words": cleaned}, actor, now)
    source.refresh_from_db()
    return source


def end_alert_source(*, source: AlertSource, actor: Actor, now: datetime) -> AlertSource:
    """Take nothing from the source any more. What came in stays; its name stays taken. Raise SourceEnded."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        if not AlertSource.objects.filter(id=source.id, disabled_at=None).update(disabled_at=now):
            raise SourceEnded
        _receipt(source, "ended", {}, actor, now)
    source.refresh_from_db()
    return source


def note_source_seen(*, source: AlertSource, now: datetime) -> None:
    """Note that the source has sent something, to the minute."""
    if source.last_seen_at is None or source.last_seen_at < now - SEEN_EVERY:
        AlertSource.objects.filter(id=source.id).update(last_seen_at=now)


def secrets_of(source: AlertSource, *, now: datetime) -> list[str]:
    """Return the secrets that are taken: the source's, and for a while the one before the last rotation."""
    sealed = [source.sealed_secret]
    if source.previous_sealed_secret and source.previous_ends_at and now < source.previous_ends_at:
        sealed.append(source.previous_sealed_secret)
    opened = (unseal_value(each, tenant_id=source.tenant_id, context=_context(source)) for each in sealed)
    return [each.get_secret_value() for each in opened]


def source_by_key(*, routing_key: str, now: datetime) -> AlertSource | None:
    """Return the live source that the routing key names. Needs the tenant's scope."""
    digest = sha256_hex(routing_key.encode("utf-8", "ignore"))
    named = Q(key_digest=digest) | Q(previous_key_digest=digest, previous_ends_at__gt=now)
    return AlertSource.objects.filter(named, shape=Shape.EVENTS, disabled_at=None).first()


def secret_places(tenant_id: UUID) -> Iterator[SealedPlace]:
    """Yield the sealed secrets of the tenant's alert sources, for its keys (adapters.secrets.places)."""
    for row in AlertSource.objects.filter(tenant_id=tenant_id):
        label, context = f"Alert source {row.name}", _context(row)
        yield SealedPlace(label, row.sealed_secret, context, partial(_put, row.id, "sealed_secret"))
        if row.previous_sealed_secret:
            put = partial(_put, row.id, "previous_sealed_secret")
            yield SealedPlace(f"{label}, before", row.previous_sealed_secret, context, put)


def _put(source_id: UUID, field: str, sealed: str) -> None:
    AlertSource.objects.filter(id=source_id).update(**{field: sealed})


def _live(source: AlertSource) -> AlertSource:
    locked = AlertSource.objects.select_for_update().get(id=source.id)
    if locked.disabled_at is not None:
        raise SourceEnded
    return locked


def _new_secret(shape: str) -> str:
    if shape == Shape.GENERIC:
        return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    # Tools that send events check that a routing key has 32 characters.
    return secrets.token_hex(16 if shape == Shape.EVENTS else 32)


def _is_standard(secret: str) -> bool:
    try:
        return bool(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        return False


def _seal(source: AlertSource, secret: str, actor: Actor, now: datetime) -> str:
    source.sealed_secret = seal_text(
        tenant_id=source.tenant_id, value=SecretStr(secret), context=_context(source), actor=actor, now=now
    )
    source.key_digest = sha256_hex(secret.encode()) if source.shape == Shape.EVENTS else ""
    return secret


def _clean_words(complaints: Complaints, words: Mapping[str, str]) -> dict[str, str]:
    if len(words) > MOST_WORDS:
        complaints.add("severity_words", f"Map at most {MOST_WORDS} words.")
    found: dict[str, str] = {}
    for word, meaning in list(words.items())[:MOST_WORDS]:
        key = key_of(complaints.line("severity_words", word, most=40, required=True))
        value = meaning.strip()
        if value.upper() not in Severity.values and value.lower() != NONE:
            known = ", ".join(Severity.values)
            complaints.add("severity_words", f"“{word[:40]}” cannot mean “{meaning[:40]}”: use {known} or none.")
        found[key] = NONE if value.lower() == NONE else value.upper()
    return found


def _receipt(source: AlertSource, verb: str, body: dict[str, Any], actor: Actor, now: datetime) -> None:
    receipts.append(
        tenant_id=source.tenant_id,
        action=f"incidents.alert_source.{verb}",
        subject=ref("incidents.alert_source", source.id),
        subject_name=source.name,
        actor=actor,
        now=now,
        body={"name": source.name, **body},
    )


def _context(source: AlertSource) -> str:
    return context_of(tenant_id=source.tenant_id, adapter_id=source.id, field="alert_source")
