"""Action items: owned, dated, reminded of, and closed with or without a check that they help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.engine.models import Run
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from incidents.followups.action_items import (
    ActionItemChanged,
    ActionItemClosed,
    ActionItemOpen,
    add_action_item,
    change_action_item,
    close_action_item,
    drop_action_item,
    reopen_action_item,
    verify_effect,
)
from incidents.followups.reminders import moments, next_look
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.refusals import NotAResponder

DUE = date(2026, 12, 15)


@pytest.fixture
def item(incident: Incident, responder: Actor, ben: User, now: datetime) -> ActionItem:
    return add_action_item(
        incident=incident,
        title="Alert on connection pool use",
        type="DETECT",
        owner=ben,
        due_date=DUE,
        actor=responder,
        now=now,
    )


def kinds(incident: Incident) -> list[str]:
    return list(TimelineEvent.objects.filter(incident=incident).order_by("seq").values_list("kind", flat=True))


def test_an_item_is_numbered_recorded_and_watched(item: ActionItem) -> None:
    assert (item.code, item.owner_name, item.status) == ("A-1", "Ben Responder", "OPEN")
    assert kinds(item.incident)[-1] == EventKind.ACTION_ADDED
    assert Receipt.objects.filter(action="incidents.action_item.added", links__contains=[item.ref]).count() == 1
    assert Run.objects.get(subject=item.ref).workflow == "incidents.action_item"


@pytest.mark.parametrize("wrong", [{"title": " "}, {"type": "blame"}])
def test_what_is_wrong_is_named(incident: Incident, responder: Actor, now: datetime, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        add_action_item(
            **{"incident": incident, "title": "x", "type": "DETECT", "actor": responder, "now": now, **wrong}
        )

    assert set(refused.value.fields) == set(wrong)


def test_an_auditor_neither_adds_nor_owns(
    incident: Incident, actor: Callable[..., Actor], responder: Actor, cleo: User, now: datetime
) -> None:
    with pytest.raises(PermissionMissing):
        add_action_item(incident=incident, title="x", type="DETECT", actor=actor(cleo), now=now)
    with pytest.raises(NotAResponder):
        add_action_item(incident=incident, title="x", type="DETECT", owner=cleo, actor=responder, now=now)


def test_closing_without_a_check_counts_as_unverified(item: ActionItem, responder: Actor, now: datetime) -> None:
    done = close_action_item(item=item, actor=responder, now=now)

    assert (done.status, done.effect, done.closed_by) == ("DONE", "UNVERIFIED", "Ben Responder")
    with pytest.raises(ActionItemClosed):
        close_action_item(item=done, actor=responder, now=now)

    checked = verify_effect(item=done, effect_note="Replayed the load; it fired.", actor=responder, now=now)
    assert (checked.effect, checked.effect_note) == ("VERIFIED", "Replayed the load; it fired.")


def test_closing_with_a_check_says_how(item: ActionItem, responder: Actor, now: datetime) -> None:
    done = close_action_item(item=item, effect_note="It fired in the drill.", actor=responder, now=now)

    assert (done.effect, done.effect_note) == ("VERIFIED", "It fired in the drill.")


def test_an_open_item_has_no_effect_to_verify(item: ActionItem, responder: Actor, now: datetime) -> None:
    with pytest.raises(ActionItemOpen):
        verify_effect(item=item, effect_note="x", actor=responder, now=now)


def test_dropping_needs_a_reason_and_opening_again_forgets_the_end(
    item: ActionItem, responder: Actor, now: datetime
) -> None:
    with pytest.raises(Invalid):
        drop_action_item(item=item, reason=" ", actor=responder, now=now)

    dropped = drop_action_item(item=item, reason="The pool is gone.", actor=responder, now=now)
    assert (dropped.status, dropped.effect_note) == ("DROPPED", "The pool is gone.")
    again = reopen_action_item(item=dropped, reason="It came back.", actor=responder, now=now)
    assert (again.status, again.closed_at, again.effect_note) == ("OPEN", None, "")
    assert kinds(item.incident)[-2:] == [EventKind.ACTION_CLOSED, EventKind.ACTION_CHANGED]


def test_a_change_is_refused_when_somebody_was_first(
    item: ActionItem, responder: Actor, ben: User, now: datetime
) -> None:
    seen = ActionItem.objects.get(id=item.id)
    asked: dict[str, Any] = {"type": "PREVENT", "owner": ben, "due_date": DUE, "actor": responder, "now": now}
    change_action_item(item=item, title="Alert on pool use, and cap it", **asked)

    with pytest.raises(ActionItemChanged):
        change_action_item(item=seen, title="Something else", **asked)

    entry = TimelineEvent.objects.filter(kind=EventKind.ACTION_CHANGED).get()
    assert entry.data["changed"] == ["title", "type"]


def test_reminders_come_before_the_date_on_it_and_weekly_after(item: ActionItem) -> None:
    found = moments(item)

    assert [moment.date() for moment in found[:3]] == [DUE - timedelta(days=3), DUE, DUE + timedelta(days=7)]
    assert len(found) == 8
    item.due_date = None
    assert moments(item)[0].date() == item.created_at.date() + timedelta(days=14)


@pytest.mark.parametrize(("at", "wanted"), [(8, (24, 9)), (9, (25, 9)), (23, (25, 9))])
def test_it_looks_again_every_morning(at: int, wanted: tuple[int, int]) -> None:
    found = next_look(datetime(2026, 11, 24, at, tzinfo=UTC))

    assert (found.day, found.hour) == wanted
