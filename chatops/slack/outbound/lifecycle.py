"""Verbs on the outbox: queue a call in the transaction of its act, take the next one, note what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from chatops.models.outbox import Lane, OutboxMessage, SlackPace
from conductor.engine.claim.wake import send
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require

LEASE = timedelta(seconds=30)
CHANNEL_PACE = timedelta(seconds=1)
"""Slack takes about one message a second in a channel."""
MAX_ATTEMPTS = 8
LONGEST_WAIT = timedelta(minutes=5)
State = OutboxMessage.State


class NotDead(Conflict):
    """This message is not one that was given up."""

    code = "message_not_dead"


class WordsForgotten(Conflict):
    """The text of this message is no longer kept, so it cannot be sent."""

    code = "message_words_forgotten"


@dataclass(frozen=True)
class Say:
    """A call to Slack that is wanted."""

    method: str
    arguments: Mapping[str, Any]
    lane: Lane = Lane.RESPONSE
    channel_id: str = ""
    follow_up: str = ""
    subject: str = ""
    dedupe_key: str = ""
    coalesce_key: str = ""
    not_before: datetime | None = field(default=None)


def enqueue(*, tenant_id: UUID, team_id: str, say: Say, now: datetime) -> OutboxMessage | None:
    """Queue the call, in the running transaction. Return None where its `dedupe_key` has been queued before.

    One that waits with the same `coalesce_key` is replaced: only the latest is said.
    """
    given = {
        "lane": say.lane,
        "team_id": team_id,
        "channel_id": say.channel_id,
        "method": say.method,
        "arguments": dict(say.arguments),
        "follow_up": say.follow_up,
        "subject": say.subject,
        "due_at": say.not_before or now,
    }
    with transaction.atomic():
        if say.dedupe_key and OutboxMessage.objects.filter(dedupe_key=say.dedupe_key).exists():
            return None
        if say.coalesce_key:
            waiting = OutboxMessage.objects.filter(
                coalesce_key=say.coalesce_key, state=State.PENDING, leased_until_at=None
            )
            if found := waiting.select_for_update().first():
                OutboxMessage.objects.filter(id=found.id).update(arguments=given["arguments"])
                return found
        row = OutboxMessage(
            tenant_id=tenant_id,
            dedupe_key=say.dedupe_key,
            coalesce_key=say.coalesce_key,
            created_at=now,
            **given,
        )
        OutboxMessage.objects.bulk_create([row], ignore_conflicts=True)
        transaction.on_commit(lambda: send("chatops.send_outbox", {"tenant_id": str(tenant_id)}, queue="incident"))
    return row


def take_next(*, tenant_id: UUID, now: datetime) -> OutboxMessage | None:
    """Lease the next message whose turn it is, first lanes first, and close its channel for a second.

    None: nothing is due, or all of it waits for a closed bucket. Needs the tenant's scope.
    """
    free = Q(leased_until_at=None) | Q(leased_until_at__lte=now)
    due = OutboxMessage.objects.filter(free, state=State.PENDING, due_at__lte=now)
    for pace in SlackPace.objects.filter(free_at__gt=now):
        due = due.exclude(_held_by(pace))
    message = due.order_by("lane", "created_at", "id").select_for_update(skip_locked=True).first()
    if message is None:
        return None
    message.leased_until_at, message.attempts = now + LEASE, message.attempts + 1
    message.save(update_fields=["leased_until_at", "attempts"])
    if message.channel_id and message.method.startswith("chat."):
        _close(message, f"channel:{message.channel_id}", Lane.PAGE, now + CHANNEL_PACE)
    return message


def note_sent(
    *,
    message: OutboxMessage,
    answer: Mapping[str, Any],
    follow_up: Callable[[OutboxMessage, Mapping[str, Any], datetime], None] | None,
    now: datetime,
) -> None:
    """Note that Slack took it, and do what follows from Slack's answer in the same transaction."""
    live = OutboxMessage.objects.filter(id=message.id, state=State.PENDING)
    if live.update(state=State.SENT, sent_at=now, error="", leased_until_at=None) and follow_up is not None:
        follow_up(message, answer, now)


def _make_way(message: OutboxMessage) -> bool:
    """Drop the message if a later one with its key waits already; return whether it did."""
    if not message.coalesce_key:
        return False
    later = OutboxMessage.objects.filter(
        coalesce_key=message.coalesce_key, state=State.PENDING, leased_until_at=None
    ).exclude(id=message.id)
    if not later.exists():
        return False
    OutboxMessage.objects.filter(id=message.id).delete()
    return True


def note_limited(*, message: OutboxMessage, retry_after: timedelta, now: datetime) -> None:
    """Wait as long as Slack says, with this lane and those after it, for this method. It does not count as a try."""
    _close(message, f"method:{message.method}", Lane(message.lane), now + retry_after)
    if _make_way(message):
        return
    OutboxMessage.objects.filter(id=message.id).update(
        attempts=F("attempts") - 1, leased_until_at=None, due_at=now + retry_after, error="ratelimited"
    )


def note_failed(*, message: OutboxMessage, error: str, permanent: bool, now: datetime) -> bool:
    """Put it off, longer each time, or give it up; return whether it was given up."""
    if _make_way(message):
        return False
    gives_up = permanent or message.attempts >= MAX_ATTEMPTS
    wait = min(timedelta(seconds=2**message.attempts), LONGEST_WAIT)
    OutboxMessage.objects.filter(id=message.id, state=State.PENDING).update(
        state=State.DEAD if gives_up else State.PENDING,
        leased_until_at=None,
        coalesce_key="" if gives_up else message.coalesce_key,
        due_at=now + wait,
        error=error[:200],
    )
    return gives_up


def retry_message(*, message: OutboxMessage, actor: Actor, now: datetime) -> None:
    """Queue a message that was given up once more, with all its tries. Raise NotDead, or WordsForgotten."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        dead = OutboxMessage.objects.filter(id=message.id, state=State.DEAD)
        if dead.exclude(words_forgotten_at=None).exists():
            raise WordsForgotten
        if not dead.update(state=State.PENDING, attempts=0, due_at=now, leased_until_at=None, error=""):
            raise NotDead
        append(
            tenant_id=message.tenant_id,
            action="chatops.message.retried",
            subject=ref("chatops.outbox", message.id),
            subject_name=str(message),
            actor=actor,
            now=now,
            body={"method": message.method, "error": message.error},
        )


def _held_by(pace: SlackPace) -> Q:
    kind, _, name = pace.bucket.partition(":")
    ours = Q(team_id=pace.team_id)
    if kind == "channel":
        return ours & Q(channel_id=name, method__startswith="chat.")
    return ours & Q(method=name, lane__gte=pace.lane)


def _close(message: OutboxMessage, bucket: str, lane: Lane, free_at: datetime) -> None:
    SlackPace.objects.update_or_create(
        tenant_id=message.tenant_id,
        team_id=message.team_id,
        bucket=bucket,
        lane=lane,
        defaults={"free_at": free_at},
    )
