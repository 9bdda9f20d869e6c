"""The pages of the record: an entry corrected or redacted, when milestones were, who may read what is private."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.actors import Actor
from incidents.access.lifecycle import set_visibility
from incidents.models.choices import EventKind
from incidents.models.history import Milestone, Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import AccessGrant
from incidents.timeline.lifecycle import post_update
from incidents.timeline.milestones import set_milestone
from incidents.timeline.redactions import request_redaction

Browser = Callable[[User], Client]


@pytest.fixture
def page(incident: Incident) -> str:
    return f"/t/northwind/incidents/INC-{incident.number}/"


@pytest.fixture
def said(incident: Incident, responder: Actor, now: datetime) -> TimelineEvent:
    """Ben's update."""
    return post_update(incident=incident, text="Card 4111 1111 fails.", actor=responder, now=now)


def test_each_entry_leads_to_its_page_with_its_proof(
    said: TimelineEvent, page: str, as_user: Browser, cleo: User
) -> None:
    browser = as_user(cleo)

    assert f'href="{page}entries/{said.seq}/"' in browser.get(page).content.decode()
    html = browser.get(f"{page}entries/{said.seq}/").content.decode()
    for proof in (said.chain_digest, said.body_digest, f"/receipts/{said.receipt_id}/"):
        assert proof in html
    assert "What it should say" not in html
    assert browser.get(f"{page}entries/999/").status_code == 404


def test_a_correction_names_every_gap_and_keeps_what_was_typed(
    said: TimelineEvent, page: str, as_user: Browser, ben: User
) -> None:
    browser, address = as_user(ben), f"{page}entries/{said.seq}/"

    refused = browser.post(address, {"act": "correct", "text": " ", "reason": "", "occurred_at": "2031-01-01T10:00"})
    html = refused.content.decode()
    assert refused.status_code == 422
    assert html.count("This cannot be empty.") == 2
    assert "This has not happened yet." in html
    assert 'value="2031-01-01T10:00"' in html

    given = {
        "act": "correct",
        "text": "A card fails.",
        "reason": "No numbers here.",
        "occurred_at": "2026-11-20T10:00:07",
    }
    assert browser.post(address, given).status_code == 302
    better = TimelineEvent.objects.get(kind=EventKind.ENTRY_CORRECTED)
    assert (better.supersedes_id, better.body) == (said.id, "A card fails.")
    assert better.occurred_at.isoformat() == "2026-11-20T10:00:07+00:00"
    assert f"Corrected by {better.seq}" in browser.get(page).content.decode()
    again = browser.post(address, given)
    assert (again.status_code, "Correct the correction." in again.content.decode()) == (409, True)


def test_a_time_that_was_left_alone_keeps_its_fraction_of_a_second(
    said: TimelineEvent, page: str, as_user: Browser, ben: User
) -> None:
    shown = said.occurred_at.strftime("%Y-%m-%dT%H:%M:%S")
    given = {"act": "correct", "text": "A card fails.", "reason": "No numbers.", "occurred_at": shown}

    as_user(ben).post(f"{page}entries/{said.seq}/", given)

    assert TimelineEvent.objects.get(kind=EventKind.ENTRY_CORRECTED).occurred_at == said.occurred_at


def test_a_redaction_takes_two_people(
    said: TimelineEvent, incident: Incident, page: str, as_user: Browser, cora: User, ana: User, ben: User
) -> None:
    address, asked = (
        f"{page}entries/{said.seq}/",
        {"act": "redact", "reason": "A card number.", "legal_basis": "PCI DSS"},
    )
    mine = as_user(cora)

    empty = mine.post(address, {"act": "redact"})
    assert (empty.status_code, empty.content.decode().count("This cannot be empty.")) == (422, 2)
    assert mine.post(address, asked).status_code == 302
    assert mine.post(address, asked).status_code == 409
    waits = mine.get(page).content.decode()
    assert "Redaction waits for a second person" in waits
    assert "Approve and drop" not in mine.get(address).content.decode()
    own = mine.post(address, {"act": "approve"})
    assert own.status_code == 409
    assert as_user(ben).post(address, {"act": "approve"}).status_code == 403
    said.refresh_from_db()
    assert said.body

    other = as_user(ana)
    assert "Approve and drop" in other.get(address).content.decode()
    assert other.post(address, {"act": "approve"}).status_code == 302
    said.refresh_from_db()
    assert (said.body, Redaction.objects.get().answered_by_name) == ("", ana.get_full_name())
    for html in (other.get(address).content.decode(), other.get(page).content.decode()):
        assert "4111" not in html
        assert "Redacted" in html
    assert "waits for a second person" not in other.get(page).content.decode()


def test_nothing_else_can_be_done_to_an_entry(said: TimelineEvent, page: str, as_user: Browser, cora: User) -> None:
    browser = as_user(cora)

    assert browser.post(f"{page}entries/{said.seq}/", {"act": "delete"}).status_code == 404
    assert browser.post(f"{page}entries/{said.seq}/", {"act": "approve"}).status_code == 404
    declared = browser.get(f"{page}entries/1/").content.decode()
    assert "What it should say" in declared
    acknowledged = browser.post(f"{page}acknowledgement/")
    assert acknowledged.status_code == 302
    last = TimelineEvent.objects.get(kind=EventKind.ACKNOWLEDGED)
    assert "this entry records an act" in browser.get(f"{page}entries/{last.seq}/").content.decode()


def test_a_milestone_is_set_and_corrected_with_a_reason(
    incident: Incident, page: str, as_user: Browser, ben: User
) -> None:
    browser, address = as_user(ben), f"{page}milestones/impact_started/"

    unread = browser.post(address, {"at": "yesterday"})
    assert (unread.status_code, "Give a date and a time, in UTC." in unread.content.decode()) == (422, True)
    assert browser.post(address, {"at": "2026-11-20T09:58"}).status_code == 302
    again = browser.post(address, {"at": "2026-11-20T09:51"})
    assert (again.status_code, "Say why the time differs from the one" in again.content.decode()) == (422, True)
    assert 'value="2026-11-20T09:51"' in again.content.decode()
    assert browser.post(address, {"at": "2026-11-20T09:51", "reason": "The graph."}).status_code == 302

    incident.refresh_from_db()
    assert incident.impact_started_at is not None
    assert incident.impact_started_at.isoformat() == "2026-11-20T09:51:00+00:00"
    assert Milestone.objects.count() == 2
    assert 'value="2026-11-20T09:51:00"' in browser.get(address).content.decode()
    assert browser.get(f"{page}milestones/lunch/").status_code == 404


def test_the_page_tells_when_the_cause_was_found(
    incident: Incident, page: str, as_user: Browser, ben: User, commander: Actor, now: datetime
) -> None:
    assert "Not recorded" in as_user(ben).get(page).content.decode()
    for key in ("impact_started", "detected", "identified", "impact_ended"):
        set_milestone(incident=incident, key=key, at=now - timedelta(minutes=9), actor=commander, now=now)

    assert "Not recorded" not in as_user(ben).get(f"{page}?tab=links").content.decode()


def test_access_lists_who_reads_and_why_lets_in_and_ends(
    incident: Incident, page: str, as_user: Browser, cora: User, cleo: User, ana: User, commander: Actor, now: datetime
) -> None:
    browser, address = as_user(cora), f"{page}access/"
    assert "Everybody of" in browser.get(address).content.decode()
    set_visibility(incident=incident, visibility="PRIVATE", reason="A ransom letter.", actor=commander, now=now)

    html = browser.get(address).content.decode()
    assert "Declared it" in html
    assert "may read every private incident" in html
    refused = browser.post(address, {"user": "nobody-here", "reason": "Counsel"})
    assert (refused.status_code, 'value="Counsel"' in refused.content.decode()) == (422, True)
    assert browser.post(address, {"user": "cleo", "reason": "She audits it."}).status_code == 302
    assert as_user(cleo).get(address).status_code == 200
    assert "She audits it." in browser.get(address).content.decode()

    assert browser.post(address, {"end": f"tenancy.user:{ana.pk}"}).status_code == 404
    assert browser.post(address, {"end": f"tenancy.user:{cleo.pk}"}).status_code == 302
    assert as_user(cleo).get(address).status_code == 404
    assert AccessGrant.objects.get().ended_at is not None


def test_a_request_of_a_redaction_is_seen_by_those_who_may_approve(
    said: TimelineEvent, page: str, as_user: Browser, ben: User, cora: User, responder: Actor, now: Any
) -> None:
    request_redaction(event=said, reason="Card.", legal_basis="PCI DSS", actor=responder, now=now)

    mine, other = (as_user(each).get(f"{page}entries/{said.seq}/").content.decode() for each in (ben, cora))
    assert "You asked for it." in mine
    assert "Approve and drop" not in mine
    assert "Approve and drop" in other
