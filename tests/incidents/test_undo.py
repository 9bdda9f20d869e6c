"""A move of the status that was a slip is taken back from the notice that reports it, by whoever made it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.actors import Actor
from incidents.incident.merge import merge_incident
from incidents.incident.status import move_incident
from incidents.incident.undo import UNDO_WITHIN, undo_move, undoable
from incidents.models.choices import Status
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.record.refusals import UndoTooLate

AtStatus = Callable[..., Incident]
pytestmark = pytest.mark.fault("console-F6")


@pytest.mark.parametrize(
    ("before", "after", "way_back"),
    [
        ("OPEN", "MITIGATED", True),
        ("OPEN", "MONITORING", True),
        ("MITIGATED", "MONITORING", True),
        ("OPEN", "CANCELED", True),
        ("MITIGATED", "OPEN", True),
        ("MONITORING", "OPEN", True),
        ("TRIAGE", "OPEN", False),
        ("TRIAGE", "DECLINED", False),
    ],
)
def test_a_move_is_undone_where_a_way_leads_back(
    at_status: AtStatus, commander: Actor, now: datetime, before: str, after: str, way_back: bool
) -> None:
    incident = at_status(before)
    closure = "OPENED_IN_ERROR" if after in {"CANCELED", "DECLINED"} else ""
    reason = "It was the wrong dashboard."
    move_incident(incident=incident, to=after, reason=reason, closure=closure, actor=commander, now=now)
    found = undoable(incident=incident, actor=commander, now=now + timedelta(seconds=4))

    assert bool(found) is way_back
    if found:
        undo_move(incident=incident, seq=found.seq, actor=commander, now=now + timedelta(seconds=4))
        assert incident.status == before
        assert "was undone by the person who made it" in StatusTransition.objects.last().reason  # type: ignore[union-attr]


def test_an_undone_merge_ends_the_link_too(at_status: AtStatus, commander: Actor, now: datetime) -> None:
    incident, into = at_status("OPEN"), at_status("OPEN", title="Another outage")
    merge_incident(incident=incident, into=into, actor=commander, now=now)
    found = undoable(incident=incident, actor=commander, now=now)
    assert found is not None
    undo_move(incident=incident, seq=found.seq, actor=commander, now=now)
    incident.refresh_from_db()
    assert (incident.status, incident.duplicate_of) == (Status.OPEN, None)


def test_it_is_too_late_after_ten_minutes_for_others_and_after_another_move(
    at_status: AtStatus, commander: Actor, responder: Actor, now: datetime
) -> None:
    incident = at_status("OPEN")
    move_incident(incident=incident, to="MITIGATED", actor=commander, now=now)
    seq = StatusTransition.objects.latest("seq").seq
    for who, when in ((commander, now + UNDO_WITHIN + timedelta(seconds=1)), (responder, now)):
        with pytest.raises(UndoTooLate, match="too late to undo"):
            undo_move(incident=incident, seq=seq, actor=who, now=when)
    move_incident(incident=incident, to="MONITORING", actor=commander, now=now)
    with pytest.raises(UndoTooLate):
        undo_move(incident=incident, seq=seq, actor=commander, now=now)
    assert incident.status == Status.MONITORING


def test_the_notice_names_the_status_and_its_button_takes_the_move_back_once(
    incident: Incident, as_user: Callable[[User], Client], cora: User
) -> None:
    browser, page = as_user(cora), f"/t/northwind/incidents/INC-{incident.number}/"
    shown = browser.post(f"{page}transition/", {"to": "MITIGATED"}, follow=True).content.decode()
    assert f"{incident.code} is mitigated." in shown
    address = re.search(r'action="([^"]+/undo/\d+/)"', shown)
    assert address is not None

    back = browser.post(address[1], follow=True).content.decode()
    incident.refresh_from_db()
    assert incident.status == Status.OPEN
    assert f"Undone. {incident.code} is open again." in back
    again = browser.post(address[1], HTTP_REFERER=f"http://testserver{page}")
    assert again.status_code == 409
    assert "too late to undo" in again.content.decode()


def test_a_move_that_changed_nothing_says_nothing_and_a_resolved_incident_has_no_undo(
    at_status: AtStatus, as_user: Callable[[User], Client], cora: User
) -> None:
    incident = at_status("MONITORING")
    browser, page = as_user(cora), f"/t/northwind/incidents/INC-{incident.number}/"
    same = browser.post(f"{page}transition/", {"to": "MONITORING"}, follow=True).content.decode()
    assert "is monitoring." not in same
    browser.post(f"{page}update/", {"body": "Errors are back to normal."})
    resolved = browser.post(f"{page}transition/", {"to": "RESOLVED"}, follow=True).content.decode()
    assert f"{incident.code} is resolved." in resolved
    assert "/undo/" not in resolved
