"""What every tracker holds, whichever vendor is behind it, asked of the vendor's own program where there is one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters import registry
from adapters.ports.protocols import AdapterError, Capability, Port
from adapters.ports.ticketing import NewTicket, RemoteTicket, TicketState
from tests.adapters.receiver import closed_port, hang, receiving
from tests.adapters.trackers import TRACKERS, Running

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=list(registry.kinds_of(Port.TICKETING)))
def tracker(request: pytest.FixtureRequest) -> Iterator[Running]:
    with TRACKERS[request.param]() as running:
        yield running


def new(**given: str) -> NewTicket:
    told = {"title": "Cap the pool", "text": "It overflowed.", "url": "https://conductor.test/A-1", **given}
    return NewTicket(**{"key": f"conductor-0193-{next(_numbers)}-end", **told})


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def opened(tracker: Running, **given: str) -> RemoteTicket:
    return tracker.adapter.create(ticket=new(**given), since=an_hour_ago())


def test_a_ticket_is_opened_once_however_often_it_is_asked_for(tracker: Running) -> None:
    ticket = new()
    first, second = (tracker.adapter.create(ticket=ticket, since=an_hour_ago()) for _each in range(2))

    assert first.external_id == second.external_id
    assert (first.title, first.state) == ("Cap the pool", TicketState.OPEN)
    assert first.url.startswith("http")
    assert Capability.DEDUPLICATES in registry.kind(tracker.kind).load().capabilities


def test_a_ticket_is_found_by_the_whole_of_its_key(tracker: Running) -> None:
    ticket = new()
    assert tracker.adapter.find(key=ticket.key, since=an_hour_ago()) is None
    made = tracker.adapter.create(ticket=ticket, since=an_hour_ago())

    found = tracker.adapter.find(key=ticket.key, since=an_hour_ago())

    assert found is not None
    assert found.external_id == made.external_id
    assert tracker.adapter.find(key=ticket.key[:-1], since=an_hour_ago()) is None
    assert tracker.adapter.find(key=f"{ticket.key}0", since=an_hour_ago()) is None


def test_awkward_words_arrive_as_they_are(tracker: Running) -> None:
    title = "Ünïcode “quotes” <b>&amp;</b> {{x}} %20 emoji 🚨"
    assert tracker.adapter.read(external_id=opened(tracker, title=title).external_id).title == title


def test_a_ticket_needs_no_more_than_a_title(tracker: Running) -> None:
    assert opened(tracker, text="", url="").title == "Cap the pool"


def test_a_ticket_is_closed_and_opened_again(tracker: Running) -> None:
    made = opened(tracker)
    for state in (TicketState.DONE, TicketState.OPEN):
        moved = tracker.adapter.move(external_id=made.external_id, state=state)
        assert (moved.external_id, moved.state) == (made.external_id, state)
        assert moved.status
        assert tracker.adapter.read(external_id=made.external_id).state == state


def test_what_is_dropped_is_closed(tracker: Running) -> None:
    made = opened(tracker)

    moved = tracker.adapter.move(external_id=made.external_id, state=TicketState.DROPPED)
    again = tracker.adapter.move(external_id=made.external_id, state=TicketState.DROPPED)

    assert moved.state != TicketState.OPEN
    assert again.status == moved.status


def test_a_comment_is_added_once(tracker: Running) -> None:
    made = opened(tracker)

    added = [tracker.adapter.comment(external_id=made.external_id, text="Closed.", key=key) for key in ("c1", "c1")]

    assert added == [True, False]
    assert tracker.adapter.comment(external_id=made.external_id, text="Closed.", key="c10") is True


def test_what_changed_is_told_and_of_others_nothing(tracker: Running) -> None:
    mine, other = opened(tracker), opened(tracker)
    began = datetime.now(UTC) - timedelta(seconds=2)
    tracker.adapter.move(external_id=mine.external_id, state=TicketState.DONE)
    tracker.adapter.move(external_id=other.external_id, state=TicketState.DONE)

    told = tracker.adapter.changed(external_ids=[mine.external_id], since=began)

    assert [(each.external_id, each.state) for each in told] == [(mine.external_id, TicketState.DONE)]


def test_a_person_names_a_ticket_by_its_name_or_its_address(tracker: Running) -> None:
    made = opened(tracker)

    for text in (made.name, made.url, f" {made.name} "):
        assert tracker.adapter.locate(text) == made.external_id
    for text in ("", "no such thing", "https://elsewhere.test/1", f"{made.url}/../../x"):
        with pytest.raises(AdapterError) as caught:
            tracker.adapter.locate(text)
        assert (caught.value.code, caught.value.permanent) == ("ticket_unnamed", True)


def test_a_ticket_that_is_not_there_is_said(tracker: Running) -> None:
    absent = tracker.adapter.locate(re.sub(r"\d+$", "99999", opened(tracker).name))
    with pytest.raises(AdapterError) as caught:
        tracker.adapter.read(external_id=absent)
    assert (caught.value.code, caught.value.permanent) == ("ticket_missing", True)


def test_the_health_check_says_who_we_are(tracker: Running) -> None:
    assert tracker.adapter.source in tracker.adapter.describe()


def test_nobody_there_is_temporary(tracker: Running) -> None:
    away = tracker.with_settings(url=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(AdapterError) as caught:
        away.create(ticket=new(), since=an_hour_ago())
    assert not caught.value.permanent


def test_silence_ends_after_the_configured_time(tracker: Running) -> None:
    with receiving(hang) as receiver:
        silent = tracker.with_settings(url=receiver.url, timeout_seconds=1)
        with pytest.raises(AdapterError) as caught:
            silent.create(ticket=new(), since=an_hour_ago())
    assert (caught.value.code, caught.value.permanent) == ("timeout", False)


def test_a_private_network_is_refused_for_good(tracker: Running) -> None:
    with pytest.raises(AdapterError) as caught:
        tracker.with_settings(url="https://10.0.0.1").read(external_id="1")
    assert (caught.value.code, caught.value.permanent) == ("address_refused", True)
