"""What a chat adds to the timeline: once, in its author's words, with a receipt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor, PermissionMissing
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.wording import sentence
from incidents.timeline.chat import record_chat

FACTS = {"author": "Cora Commander", "channel": "#inc-1"}


def test_a_captured_message_keeps_its_words_its_time_and_its_receipt(
    incident: Incident, ben: User, actor: Callable[..., Actor], now: datetime
) -> None:
    said_at = now - timedelta(minutes=5)

    event = record_chat(
        incident=incident,
        kind=EventKind.MESSAGE_CAPTURED,
        key="T1:C1:1.1",
        text="The replica is behind",
        data=FACTS,
        occurred_at=said_at,
        actor=actor(ben, channel="slack"),
        now=now,
    )

    assert event is not None
    assert (event.body, event.occurred_at, event.recorded_at) == ("The replica is behind", said_at, now)
    assert sentence(event) == "Ben Responder captured a message by Cora Commander in #inc-1"
    assert Receipt.objects.get(id=event.receipt_id).action == "incidents.chat.message_captured"


def test_the_same_message_is_captured_once(
    incident: Incident, ben: User, actor: Callable[..., Actor], now: datetime
) -> None:
    for _ in range(2):
        record_chat(incident=incident, kind=EventKind.MESSAGE_CAPTURED, key="k", data=FACTS, actor=actor(ben), now=now)

    assert TimelineEvent.objects.filter(incident=incident, kind=EventKind.MESSAGE_CAPTURED).count() == 1


def test_an_auditor_captures_nothing_and_no_other_kind_comes_from_a_chat(
    incident: Incident, cleo: User, ben: User, actor: Callable[..., Actor], now: datetime
) -> None:
    with pytest.raises(PermissionMissing):
        record_chat(incident=incident, kind=EventKind.MESSAGE_CAPTURED, key="k", actor=actor(cleo), now=now)
    with pytest.raises(ValueError, match="does not come from a chat"):
        record_chat(incident=incident, kind=EventKind.STATUS_CHANGED, key="k", actor=actor(ben), now=now)
