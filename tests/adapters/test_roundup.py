"""Roundup, the real one: what is cut off in the middle is finished and never doubled."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import NewTicket, TicketState
from tests.adapters.receiver import Answering, Asked, Handler, receiving
from tests.adapters.roundup_server import Tracker, roundup

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with roundup() as running:
        yield running


def ticket(key: str) -> NewTicket:
    return NewTicket(key=key, title=f"Ticket of {key}", text="Words", url="https://conductor.test/A-1")


def issues(tracker: Tracker) -> list[str]:
    found = tracker.adapter().changed(external_ids=[str(each) for each in range(1, 200)], since=SINCE)
    return [each.title for each in found]


def cutting(tracker: Tracker, cut: Callable[[Asked], str]) -> Answering:
    """Pass calls on to the tracker; `cut` says whether to break one off "before" it arrives or "after" it was done."""

    def answer(handler: Handler, asked: Asked) -> None:
        when = cut(asked)
        if when == "before":
            handler.close_connection = True
            return
        headers = {name: value for name, value in asked.headers.items() if name not in {"host", "content-length"}}
        # The tracker is told its own name: it refuses calls that come from another address than its own.
        headers |= {"referer": f"{tracker.url}/", "origin": tracker.url.removesuffix("/tracker")}
        path = asked.path.removeprefix("/hook")
        request = urllib.request.Request(tracker.url + path, asked.body or None, headers, method=asked.method)
        try:
            with urllib.request.urlopen(request, timeout=10) as said:
                status, body = said.status, said.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if when == "after":
            handler.close_connection = True
            return
        handler.answer(status, body)

    return answer


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["/msg", "/issue"])
def test_a_creation_whose_answer_is_lost_makes_one_ticket(tracker: Tracker, what: str, when: str) -> None:
    cuts = iter([when])

    def cut(asked: Asked) -> str:
        return next(cuts, "") if asked.method == "POST" and asked.path.endswith(what) else ""

    key = f"conductor-cut{what.replace('/', '-')}-{when}"
    with receiving(cutting(tracker, cut)) as receiver:
        told = tracker.adapter(url=receiver.url)
        with pytest.raises(AdapterError) as caught:
            told.create(ticket=ticket(key), since=SINCE)
        assert not caught.value.permanent
        made = told.create(ticket=ticket(key), since=SINCE)

    assert issues(tracker).count(f"Ticket of {key}") == 1
    assert tracker.adapter().read(external_id=made.external_id).title == f"Ticket of {key}"


def test_a_change_by_somebody_else_between_reading_and_writing_is_not_overwritten(tracker: Tracker) -> None:
    own = tracker.adapter()
    made = own.create(ticket=ticket("conductor-etag"), since=SINCE)
    seen: list[Asked] = []

    def meddle(asked: Asked) -> str:
        if asked.method == "PATCH" and not seen:
            seen.append(asked)
            own.comment(external_id=made.external_id, text="I was here first", key="first")
        return ""

    with receiving(cutting(tracker, meddle)) as receiver:
        told = tracker.adapter(url=receiver.url)
        with pytest.raises(AdapterError) as caught:
            told.move(external_id=made.external_id, state=TicketState.DONE)
        assert (caught.value.code, caught.value.permanent) == ("ticket_moved", False)
        assert told.move(external_id=made.external_id, state=TicketState.DONE).status == "resolved"


def test_a_wrong_password_is_for_good_and_not_repeated(tracker: Tracker) -> None:
    told = tracker.adapter(username="nobody")
    with pytest.raises(AdapterError) as caught:
        told.describe()
    assert (caught.value.code, caught.value.permanent) == ("http_401", True)
    assert "only-for-this-test" not in str(caught.value)


def test_a_refusal_is_told_in_the_trackers_own_words(tracker: Tracker) -> None:
    with pytest.raises(AdapterError, match="answered 404: no such issue 4711"):
        tracker.adapter().read(external_id="4711")


def test_a_status_that_the_tracker_lacks_is_named_by_the_health_check(tracker: Tracker) -> None:
    with pytest.raises(AdapterError, match="no status shipped; it has unread, deferred") as caught:
        tracker.adapter(done_statuses=["resolved", "shipped"]).describe()
    assert caught.value.code == "status_unknown"


def test_a_status_for_dropped_work_is_used_where_there_is_one(tracker: Tracker) -> None:
    told = tracker.adapter(done_statuses=["resolved"], dropped_statuses=["done-cbb"])
    made = told.create(ticket=ticket("conductor-drop"), since=SINCE)

    moved = told.move(external_id=made.external_id, state=TicketState.DROPPED)

    assert (moved.status, moved.state) == ("done-cbb", TicketState.DROPPED)


def test_more_changes_than_a_page_holds_are_all_seen(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.kinds.roundup.adapter.PAGE", 2)
    own = tracker.adapter()
    made = [own.create(ticket=ticket(f"conductor-page-{n}"), since=SINCE).external_id for n in range(5)]

    told = own.changed(external_ids=made, since=datetime.now(UTC) - timedelta(minutes=5))

    assert {each.external_id for each in told} == set(made)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": 1}', b"<html>", json.dumps({"data": {}}).encode()])
def test_an_answer_of_another_shape_is_refused(tracker: Tracker, body: bytes) -> None:
    def answer(handler: Handler, _asked: Any) -> None:
        handler.answer(200, body)

    with receiving(answer) as receiver:
        told = tracker.adapter(url=receiver.url)
        for attempt in (
            lambda: told.read(external_id="1"),
            lambda: told.find(key="k", since=SINCE),
            lambda: told.changed(external_ids=["1"], since=SINCE),
        ):
            with pytest.raises(AdapterError) as caught:
                attempt()
            assert (caught.value.code, caught.value.permanent) == ("unreadable", True)
