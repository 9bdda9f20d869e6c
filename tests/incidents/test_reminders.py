"""Reminders of action items: sent once each by a run of their own, by the date that holds, as long as it is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.followups.action_items import (
    WORKFLOW,
    add_action_item,
    change_action_item,
    close_action_item,
    reopen_action_item,
)
from incidents.followups.reminders import next_reminder
from incidents.incident.lifecycle import declare_incident
from incidents.models.action_item import ActionItem
from tests.incidents.clocks import Clock

DUE = date(2026, 12, 15)
Sent = list[dict[str, Any]]
Look = Callable[[date], str]


@pytest.fixture
def item(committed: None, tenant: Tenant, cora_acts: Actor, cora: User, clock: Clock) -> ActionItem:
    """An action item of Cora's, due on 15 December."""
    with tenant_scope(tenant.id):
        incident, _new = declare_incident(
            tenant_id=tenant.id, title="Pool overflowed", severity="SEV3", actor=cora_acts, now=clock.at
        )
        return add_action_item(
            incident=incident,
            title="Alert on pool use",
            detail="At 80 %.",
            type="DETECT",
            owner=cora,
            due_date=DUE,
            actor=cora_acts,
            now=clock.at,
        )


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    found: Sent = []
    monkeypatch.setattr("incidents.postmortem.steps.deliver", lambda **message: found.append(message))
    return found


@pytest.fixture
def look(tenant: Tenant, clock: Clock) -> Look:
    """`look(day)`: what the newest run does on that morning, twice."""

    def at(day: date) -> str:
        clock.at = datetime.combine(day, time(9, 1, tzinfo=UTC))
        for _time in range(2):
            with tenant_scope(tenant.id):
                run = Run.objects.filter(workflow=WORKFLOW).latest("number")
                Run.objects.filter(id=run.id, status="WAITING").update(wake_at=clock.at)
            advance(run_id=run.id, tenant_id=tenant.id, worker="w1", now=clock.at)
        with tenant_scope(tenant.id):
            run.refresh_from_db()
        return str(run.status)

    return at


def _change(item: ActionItem, who: Actor, owner: User, now: datetime, **fields: Any) -> ActionItem:
    said = {"title": item.title, "type": item.type, "owner": owner, "detail": item.detail, **fields}
    return change_action_item(item=item, actor=who, now=now, **said)


def test_the_owner_is_reminded_once_before_on_the_day_and_weekly_after_then_no_more(
    item: ActionItem, look: Look, sent: Sent
) -> None:
    for day, count in ((-4, 0), (-3, 1), (-1, 1), (0, 2), (6, 2), (7, 3), (41, 4)):
        assert look(DUE + timedelta(days=day)) == "WAITING", day
        assert len(sent) == count, day
    assert look(DUE + timedelta(days=42)) == "SUCCEEDED"

    told = sent[0]["payload"]
    assert (told["title"], told["text"]) == ("A-1: Alert on pool use", "At 80 %.")
    assert (told["facts"]["Owner"], told["facts"]["Due"]) == ("Cora Commander", "2026-12-15")
    assert "Overdue" not in told["facts"]
    assert sent[-1]["payload"]["facts"]["Overdue"] == "42 days overdue"
    assert len({each["key"] for each in sent}) == len(sent) == 5, "a morning that was slept through is not made up for"


def test_another_date_is_reminded_of_anew(
    item: ActionItem,
    look: Look,
    sent: Sent,
    tenant: Tenant,
    cora_acts: Actor,
    cora: User,
    clock: Clock,
) -> None:
    look(DUE)
    later = DUE + timedelta(days=30)
    with tenant_scope(tenant.id):
        item.refresh_from_db()
        item = _change(item, cora_acts, cora, clock.at, due_date=later)
    before = len(sent)

    look(later - timedelta(days=4))
    assert len(sent) == before
    look(later - timedelta(days=3))
    look(later)

    assert len(sent) == before + 2


def test_what_is_closed_is_not_reminded_of_and_what_is_opened_again_is(
    item: ActionItem, look: Look, sent: Sent, tenant: Tenant, cora_acts: Actor, clock: Clock
) -> None:
    with tenant_scope(tenant.id):
        item = close_action_item(item=item, actor=cora_acts, now=clock.at)
        assert next_reminder(item, clock.at) is None
    assert look(DUE) == "SUCCEEDED"
    assert sent == []
    with tenant_scope(tenant.id):
        item = reopen_action_item(item=item, reason="It never rang.", actor=cora_acts, now=clock.at)
        assert next_reminder(item, clock.at) == datetime(2026, 12, 22, 9, tzinfo=UTC)

    assert look(DUE + timedelta(days=7)) == "WAITING"

    assert len(sent) == 1


def test_reminders_that_all_went_by_begin_anew_with_another_date(
    item: ActionItem,
    look: Look,
    sent: Sent,
    tenant: Tenant,
    cora_acts: Actor,
    cora: User,
    clock: Clock,
) -> None:
    assert look(DUE + timedelta(days=60)) == "SUCCEEDED"
    later = DUE + timedelta(days=90)
    with tenant_scope(tenant.id):
        item.refresh_from_db()
        _change(item, cora_acts, cora, clock.at, due_date=later)

    assert look(later) == "WAITING"

    assert sent[-1]["payload"]["facts"]["Due"] == later.isoformat()


def test_a_reminder_of_a_private_incident_says_no_word(
    item: ActionItem, look: Look, sent: Sent, tenant: Tenant, cora_acts: Actor, clock: Clock
) -> None:
    with tenant_scope(tenant.id):
        set_visibility(incident=item.incident, visibility="PRIVATE", reason="A breach.", actor=cora_acts, now=clock.at)

    look(DUE)

    assert sent[0]["payload"]["title"] == "A-1: action item of a private incident"
    assert "pool" not in str(sent).lower()
    assert "80 %" not in str(sent)
