"""A look at a tracker is bounded as a whole, and one organisation's trackers hold one worker at most."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from adapters.configuration import breaker
from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import AdapterConfig
from adapters.models.breaker import Breaker
from adapters.models.ticket import Ticket
from adapters.tickets.lifecycle import request_ticket
from conductor.celery import app
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence import tasks as evidence_tasks
from incidents import tasks
from incidents.followups import tracker_look
from incidents.followups.tracker_look import look_at_trackers, sync_tracker
from tests.adapters.receiver import Answering, Asked, Handler, Receiver, receiving

pytestmark = [pytest.mark.fault("security-2"), pytest.mark.usefixtures("db")]
ROW = {"number": 7, "state": "open", "title": "t", "html_url": "https://x.test/7", "updated_at": "2026-01-01T00:00:00Z"}
Connect = Callable[[Receiver, str], AdapterConfig]


def clock() -> datetime:
    """Looks are timed, so that these tests run in real time."""
    return datetime.now(UTC)


def full_pages(handler: Handler, asked: Asked) -> None:
    """Double of GitHub: a list of issues of which each page is full and takes a while."""
    time.sleep(0.3)
    handler.answer(200, json.dumps([ROW] * 100).encode(), {"content-type": "application/json"})


def nothing_new(handler: Handler, asked: Asked) -> None:
    handler.answer(200, b"[]", {"content-type": "application/json"})


def broken(handler: Handler, asked: Asked) -> None:
    handler.answer(500)


@pytest.fixture
def connect(tenant: Tenant, actor: Callable[..., Actor], ana: User) -> Connect:
    """Connect a tracker at the receiver, with one ticket that is followed."""
    who = actor(ana)

    def made(receiver: Receiver, name: str = "Code") -> AdapterConfig:
        given = {"repository": "acme/shop", "url": receiver.url, "allow_loopback": True, "timeout_seconds": 10}
        with tenant_scope(tenant.id):
            adapter = configure_adapter(
                tenant_id=tenant.id,
                kind="github",
                name=name,
                settings=given,
                secrets={"token": "t"},
                actor=who,
                now=clock(),
            )
            content = {"title": "x", "text": "", "url": ""}
            ticket, _is_new = request_ticket(
                adapter=adapter,
                subject=f"incidents.incident:{name}",
                subject_state="OPEN",
                content=content,
                actor=who,
                now=clock(),
            )
            Ticket.objects.filter(id=ticket.id).update(
                phase="TRACKED", external_id="1", name="#1", state="OPEN", remote_status="open", synced_at=clock()
            )
        return adapter

    return made


@contextmanager
def serving(answering: Answering) -> Iterator[Receiver]:
    with receiving(answering) as receiver:
        yield receiver


def test_a_look_ends_as_a_whole_however_many_pages_there_are(
    connect: Connect, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_look, "LOOK_SECONDS", 1.0)
    with serving(full_pages) as receiver:
        adapter = connect(receiver, "Code")
        began = time.monotonic()
        assert sync_tracker(tenant_id=tenant.id, adapter_id=adapter.id, now=clock()) == 0
        took = time.monotonic() - began

    assert 2 <= len(receiver.asked) <= 5, "of fifty"
    assert took < 1 + 2, "two seconds for a busy machine"
    with tenant_scope(tenant.id):
        assert Ticket.objects.get().code == "timeout"
        assert not Breaker.objects.exclude(turn_ends_at=None).exists(), "the turn is given up"


def test_while_one_tracker_is_looked_at_no_other_of_the_organisation_is(connect: Connect, tenant: Tenant) -> None:
    with serving(nothing_new) as receiver:
        first, second = connect(receiver, "First"), connect(receiver, "Second")
        with tenant_scope(tenant.id):
            turn = breaker.take_turn(adapter=first, now=clock())
        assert turn
        assert look_at_trackers(tenant_id=tenant.id, clock=clock) == 0
        assert receiver.asked == []

        with tenant_scope(tenant.id):
            breaker.end_turn(adapter=first, token=turn)
        look_at_trackers(tenant_id=tenant.id, clock=clock)
        assert len(receiver.asked) == 2, "one after the other"
        assert sync_tracker(tenant_id=tenant.id, adapter_id=second.id, now=clock() + breaker.TURN) == 0


def test_the_turn_of_a_worker_that_died_ends(connect: Connect, tenant: Tenant) -> None:
    with serving(nothing_new) as receiver:
        adapter = connect(receiver, "Code")
        with tenant_scope(tenant.id):
            assert breaker.take_turn(adapter=adapter, now=clock() - breaker.TURN - timedelta(seconds=1))
        sync_tracker(tenant_id=tenant.id, adapter_id=adapter.id, now=clock())
        assert len(receiver.asked) == 1
    assert breaker.TURN.total_seconds() > tracker_look.LOOK_SECONDS, "nobody takes the turn of a look that goes on"


def test_after_failures_in_a_row_a_tracker_is_left_alone_and_others_are_not(connect: Connect, tenant: Tenant) -> None:
    with serving(broken) as away, serving(nothing_new) as well:
        connect(away, "Away")
        connect(well, "Well")
        for _round in range(breaker.FAILURES + 3):
            look_at_trackers(tenant_id=tenant.id, clock=clock)
        assert len(away.asked) == breaker.FAILURES
        assert len(well.asked) == breaker.FAILURES + 3

        look_at_trackers(tenant_id=tenant.id, clock=lambda: clock() + breaker.FIRST_PAUSE + timedelta(seconds=1))
        assert len(away.asked) == breaker.FAILURES + 1


def test_who_waited_longest_is_first_and_nobody_is_begun_when_the_time_is_over(
    connect: Connect, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_look, "ALL_SECONDS", 0.0)
    with serving(nothing_new) as receiver:
        names = {connect(receiver, name).id: name for name in ("A", "B", "C")}
        for _round in names:
            look_at_trackers(tenant_id=tenant.id, clock=clock)
        assert len(receiver.asked) <= len(names)
        with tenant_scope(tenant.id):
            looked = Ticket.objects.order_by("synced_at").values_list("adapter", flat=True)
            assert sorted(names[each] for each in looked) == ["A", "B", "C"]
            oldest = tracker_look.trackers_in_use(tenant.id)[0]
            assert oldest == looked[0]


def test_messages_that_nobody_took_end(tenant: Tenant, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a backlog of looks and stamps grows by one each minute, for every organisation."""
    sent: dict[str, Any] = {}
    monkeypatch.setattr(
        "conductor.engine.claim.wake.current_app.send_task", lambda task, **options: sent.update({task: options})
    )
    with serving(nothing_new) as receiver:
        connect(receiver, "Code")
        tasks.sweep()
    evidence_tasks.sweep_logs()

    assert sent["incidents.look_at_trackers"]["expires"] == settings.CONDUCTOR_TRACKER_SECONDS
    assert sent["evidence.anchor_log"]["expires"] == settings.CONDUCTOR_ANCHOR_SECONDS
    for name, entry in app.conf.beat_schedule.items():
        assert entry["options"]["expires"] <= 2 * entry["schedule"], name
