"""Writing receipts: no act without one, and none without the act (docs/decisions/0006)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from conductor.ledger.models import Receipt
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor

Subscriber = Callable[[Receipt], None]
LIVE_CHANNEL = "conductor_acts"
"""PostgreSQL notification channel: the `live_topic` of each committed receipt."""

_subscribers: dict[str, Subscriber] = {}


def subscribe(*, name: str, subscriber: Subscriber) -> None:
    """Call `subscriber` with each receipt after its commit. Called in AppConfig.ready().

    A subscriber only wakes work up: what it misses, a sweep finds.
    """
    _subscribers[name] = subscriber


def append(
    *,
    tenant_id: UUID,
    action: str,
    subject: Ref,
    actor: Actor,
    now: datetime,
    subject_name: str = "",
    body: Mapping[str, Any] | None = None,
    links: Iterable[Ref] = (),
    subjects: Iterable[Mapping[str, str]] = (),
    occurred_at: datetime | None = None,
) -> Receipt:
    """Insert the receipt of an act, in the transaction of the act; raise RuntimeError outside of one.

    The receipt says how the actor was authenticated, as the entry point has found (`Actor.proof`).
    `action` is dotted and past. `body` must be JSON that RFC 8785 can say exactly, else ValueError.
    The sequencer signs and numbers the receipt within seconds of the commit.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a receipt is written in the transaction of its act")
    content = dict(body or {})
    receipt = Receipt(
        tenant_id=tenant_id,
        action=action,
        subject=subject,
        subject_name=subject_name,
        actor=actor.ref,
        actor_name=actor.name,
        authentication=actor.proof.as_dict(),
        occurred_at=occurred_at or now,
        recorded_at=now,
        body=content,
        subjects=[dict(each) for each in subjects],
        links=list(links),
        body_digest=sha256_hex(canonical_json(content)),
    )
    _insert(receipt)
    return receipt


def live_topic(*, tenant_id: UUID, subject: Ref) -> str:
    """Return what the live channel calls a subject: a digest, as row-level security does not hold its listeners."""
    return sha256_hex(f"{tenant_id} {subject}".encode())


def _insert(receipt: Receipt) -> None:
    """Write the row, tell whoever looks at the subject, and wake the subscribers after the commit."""
    receipt.save(force_insert=True)
    topic = live_topic(tenant_id=receipt.tenant_id, subject=receipt.subject)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [LIVE_CHANNEL, topic])
    transaction.on_commit(lambda: _announce(receipt))


def _announce(receipt: Receipt) -> None:
    for subscriber in _subscribers.values():
        subscriber(receipt)
