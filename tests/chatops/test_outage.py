"""The outage that `make demo-incident` replays: every recorded word is said once, in its order and at its time."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from chatops.commands import sentence
from chatops.demo import console
from chatops.demo.console import Console
from chatops.demo.doors import DoorShut
from chatops.demo.outage import LONGEST_PAUSE_SECONDS, pause_before, recorded_outage, sayings

OUTAGE = recorded_outage()


def test_the_notes_are_told_from_the_first_to_the_last() -> None:
    moments = [note.after for note in OUTAGE.notes]

    assert moments == sorted(moments)
    assert (moments[0], len(moments)) == (timedelta(0), 8)
    assert OUTAGE.notes[-1].text.startswith("Full search functionality has been restored")
    assert OUTAGE.afterwards.startswith("Issue Summary:")


def test_every_note_is_said_once_and_understood() -> None:
    said = [text.format(code="INC-7") for n in range(len(OUTAGE.notes)) for _user, text in sayings(OUTAGE, n)]

    for note in OUTAGE.notes:
        assert sum(note.text in text for text in said) == 1
    verbs = [sentence.parse(text).verb for text in said]
    assert verbs[:3] == ["ack", "assign", "update"]
    assert verbs[-3:] == ["mitigated", "monitoring", "resolved"]
    assert verbs.count("decide") == 1


def test_time_is_compressed_and_the_night_is_cut_short() -> None:
    pauses = [pause_before(OUTAGE, n, minute_seconds=0.1) for n in range(len(OUTAGE.notes))]

    assert pauses[0] == 0
    assert pauses[1] == pytest.approx(3.43, abs=0.01)
    assert pause_before(OUTAGE, 1, minute_seconds=60) == LONGEST_PAUSE_SECONDS


def test_the_browser_says_which_door_is_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403 if request.url.path == "/closed/" else 200, text="no form here", request=request)

    real = httpx.Client
    monkeypatch.setattr(console.httpx, "Client", lambda **given: real(transport=httpx.MockTransport(answer), **given))
    browser = Console("http://127.0.0.1:9", "/signin/link/x/")

    with pytest.raises(DoorShut, match="GET /closed/ answered 403"):
        browser.read("/closed/")
    with pytest.raises(DoorShut, match="/open/ has no form"):
        browser.submit("/open/", {"text": "x"})
