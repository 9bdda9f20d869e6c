"""Forgets the words of what Slack sent and was sent, once nothing needs them (docs/decisions/0078).

A finished request and a message that Slack took serve repeats of the next minutes only, so after a day their words go.
At a redaction, or when an incident becomes private, every copy from before goes at once: which of them repeat the words
need not be found out, and none can be missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import Lane, OutboxMessage
from incidents.models.choices import EventKind, Visibility
from incidents.models.history import Redaction, TimelineEvent

KEPT_FOR = timedelta(days=1)
"""Words of finished requests and sent messages, from their end on."""
MARKABLE_FOR = timedelta(days=7)
"""Words of messages in an incident's channel, which somebody may still put on its timeline, and of those given up."""
MARGIN = timedelta(minutes=1)
"""A copy may have been written by a transaction that read the words just before they were withdrawn."""
WITHDRAWN = "words withdrawn"
"""Error of a message that was not sent, because it was written before a redaction."""
_TEXT = "This was answered before. The answer is not kept."
_SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": _TEXT}}
_FORGOTTEN: dict[str, Any] = {"response_type": "ephemeral", "text": _TEXT, "blocks": [_SECTION]}
_REFUSED: dict[str, Any] = {"response_action": "errors", "errors": {}}
"""A modal that was refused and is sent again is tried again (chatops.slack.inbound.intake)."""

_OVER = [SlackReceipt.State.DONE, SlackReceipt.State.FAILED]
State = OutboxMessage.State


@dataclass(frozen=True)
class _Withdrawals:
    """Which incidents' words were withdrawn lately, each when last, and the latest of all."""

    by_incident: dict[UUID, datetime]

    @property
    def latest(self) -> datetime | None:
        return max(self.by_incident.values(), default=None)


def forget_words(*, now: datetime) -> int:
    """Forget what is due in the tenant whose scope is open; return how many rows lost their words.

    Keys, digests, times and outcomes stay, so that a repeat is still known as one. A message of the incident that waits
    since before its words were withdrawn is given up. Idempotent: a sweep calls it again and again.
    """
    withdrawals = _withdrawals(now - MARKABLE_FOR)
    with transaction.atomic():
        return _forget_requests(withdrawals, now) + _forget_messages(withdrawals, now) + _give_up(withdrawals, now)


def _withdrawals(since: datetime) -> _Withdrawals:
    found: dict[UUID, datetime] = {}
    redacted = Redaction.objects.filter(state=Redaction.State.APPROVED, answered_at__gte=since)
    hidden = TimelineEvent.objects.filter(
        kind=EventKind.VISIBILITY_CHANGED, recorded_at__gte=since, incident__visibility=Visibility.PRIVATE
    )
    pairs: list[tuple[UUID, Any]] = [
        *redacted.values_list("event__incident_id", "answered_at"),
        *hidden.values_list("incident_id", "recorded_at"),
    ]
    for incident_id, at in pairs:
        found[incident_id] = max(at, found.get(incident_id, at))
    return _Withdrawals(found)


def _forget_requests(withdrawals: _Withdrawals, now: datetime) -> int:
    is_message = ~Q(message_ts="")
    due = Q(done_at__lte=now - KEPT_FOR) & ~is_message | Q(received_at__lte=now - MARKABLE_FOR)
    if withdrawals.latest:
        due |= Q(received_at__lte=withdrawals.latest + MARGIN)
    rows = SlackReceipt.objects.filter(due, state__in=_OVER, words_forgotten_at=None)
    gone: dict[str, Any] = {"payload": {}, "view": None, "words_forgotten_at": now}
    return (
        rows.filter(kind=SlackReceipt.Kind.COMMAND).update(answer=_FORGOTTEN, **gone)
        + rows.filter(kind=SlackReceipt.Kind.VIEW, answer__response_action="errors").update(answer=_REFUSED, **gone)
        + rows.update(answer={}, **gone)
    )


def _forget_messages(withdrawals: _Withdrawals, now: datetime) -> int:
    due = Q(state=State.SENT, sent_at__lte=now - KEPT_FOR) | Q(created_at__lte=now - MARKABLE_FOR)
    if withdrawals.latest:
        due |= Q(created_at__lte=withdrawals.latest + MARGIN)
    rows = OutboxMessage.objects.filter(due, state__in=[State.SENT, State.DEAD], words_forgotten_at=None)
    return rows.update(arguments={}, words_forgotten_at=now)


def _give_up(withdrawals: _Withdrawals, now: datetime) -> int:
    """What waits would still be said with the words as they were. A page that is about another incident is sent."""
    due = Q(pk__in=[])
    for incident_id, at in withdrawals.by_incident.items():
        due |= Q(subject=f"incidents.incident:{incident_id}", created_at__lte=at)
    if withdrawals.latest:
        due |= Q(subject="", created_at__lte=withdrawals.latest) & ~Q(lane=Lane.PAGE)
    rows = OutboxMessage.objects.filter(due, state=State.PENDING)
    return rows.update(
        state=State.DEAD, arguments={}, words_forgotten_at=now, error=WITHDRAWN, coalesce_key="", leased_until_at=None
    )
