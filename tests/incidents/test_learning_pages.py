"""The pages on which people learn from an incident: editing, conflicts, review, action items."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.followups.action_items import add_action_item
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import edit_section
from tests.evidence.bundles import collecting

Browser = Callable[[User], Client]
BASE = "/t/northwind/incidents"


@pytest.fixture
def draft(at_status: Callable[..., Incident], now: datetime) -> Postmortem:
    return draft_postmortem(incident=at_status("RESOLVED"), actor=Actor.system(), now=now)


@pytest.fixture
def item(incident: Incident, responder: Actor, now: datetime) -> ActionItem:
    return add_action_item(incident=incident, title="Alert on pool use", type="DETECT", actor=responder, now=now)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def edit(draft: Postmortem, part: str = "factors") -> str:
    return f"{BASE}/{draft.incident.code}/postmortem/{part}/edit/"


def test_a_section_is_edited_and_shown(draft: Postmortem, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)

    answer = browser.post(edit(draft), {"version": "1", "text": "A config push. [#1]"}, follow=True)

    assert "A config push." in text_of(answer)
    assert "In review" not in text_of(answer)
    assert Postmortem.objects.count() == 2


def test_a_preview_writes_nothing(draft: Postmortem, ben: User, as_user: Browser) -> None:
    answer = as_user(ben).post(edit(draft), {"version": "1", "text": "Maybe this.", "preview": "1"})

    assert "Preview, not saved" in text_of(answer)
    assert "Maybe this." in text_of(answer)
    assert Postmortem.objects.count() == 1


def test_a_preview_reads_lines_as_browsers_send_them(draft: Postmortem, ben: User, as_user: Browser) -> None:
    """With carriage returns: what is previewed is what would be saved."""
    text = "The pool alert told us. [#1]\r\n\r\nNobody was woken."

    page = as_user(ben).post(edit(draft), {"version": draft.version, "text": text, "preview": "1"})

    first, second = page.context["preview"]
    assert (first["text"], first["sources"]) == ("The pool alert told us.", [1])
    assert (second["text"], second["by"]) == ("Nobody was woken.", "Ben Responder")


def test_the_page_leads_to_every_format_and_to_the_evidence(
    draft: Postmortem, tenant: Tenant, cora: User, actor: Callable[..., Actor], as_user: Browser, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now, incident=draft.incident)

    page = as_user(cora).get(f"{BASE}/{draft.incident.code}/postmortem/")

    text = page.content.decode()
    for suffix in ("pdf", "md", "json"):
        assert f"postmortem.{suffix}" in text
    assert bundle.code in text


def test_a_conflict_shows_both_texts_and_loses_none(
    draft: Postmortem, commander: Actor, ben: User, as_user: Browser, now: datetime
) -> None:
    edit_section(postmortem=draft, key="factors", text="Cora's words.", actor=commander, now=now)

    answer = as_user(ben).post(edit(draft), {"version": "1", "text": "Ben's words."})

    assert answer.status_code == 409
    assert "Cora&#x27;s words." in answer.content.decode()
    assert "Ben&#x27;s words." in answer.content.decode()
    again = as_user(ben).post(edit(draft), {"version": "2", "text": "Cora's words.\n\nBen's words."})
    assert again.status_code == 302


def test_a_wrong_citation_is_told_beside_what_was_typed(draft: Postmortem, ben: User, as_user: Browser) -> None:
    answer = as_user(ben).post(edit(draft), {"version": "1", "text": "Because. [#4711]"})

    assert answer.status_code == 422
    assert "There is no entry #4711" in text_of(answer)
    assert "Because. [#4711]" in answer.content.decode()


def test_a_review_goes_from_hand_to_hand(draft: Postmortem, ben: User, cora: User, as_user: Browser) -> None:
    page = f"{BASE}/{draft.incident.code}/postmortem/"
    assert "Ask for review" in text_of(as_user(ben).get(page))
    as_user(ben).post(f"{page}review/", {"version": "1"})
    assert "Approve" not in text_of(as_user(ben).get(page))
    assert "Approve" in text_of(as_user(cora).get(page))

    waiver = {"without": ["factors", "helped", "harder", "lessons"], "reason": "A drill."}
    as_user(cora).post(f"{page}approval/", {"version": "1", **waiver})
    as_user(cora).post(f"{page}publication/", {"version": "1"})

    published = text_of(as_user(ben).get(page))
    assert "Published by Cora Commander" in published
    assert "Cora Commander approved it without contributing factors, what helped," in published


@pytest.mark.fault("console-F2")
def test_blank_sections_are_refused_beside_the_form_that_names_them(
    draft: Postmortem, ben: User, cora: User, as_user: Browser
) -> None:
    page = f"{BASE}/{draft.incident.code}/postmortem/"
    as_user(ben).post(f"{page}review/", {"version": "1"})

    answer = as_user(cora).post(f"{page}approval/", {"version": "1", "reason": "They are busy."}, HTTP_REFERER=page)

    assert answer.status_code == 422
    assert "Nobody has written contributing factors, what helped, what made it harder and lessons." in text_of(answer)
    assert "They are busy." in answer.content.decode()


@pytest.mark.fault("console-F10")
def test_a_reviewer_sends_it_back_and_its_authors_read_why(
    draft: Postmortem, ben: User, cora: User, as_user: Browser
) -> None:
    page = f"{BASE}/{draft.incident.code}/postmortem/"
    as_user(ben).post(f"{page}review/", {"version": "1"})
    assert "Ask for changes" in text_of(as_user(cora).get(page))

    as_user(cora).post(f"{page}changes/", {"version": "1", "comment": "Say why the pool was small."})

    seen = text_of(as_user(ben).get(page))
    assert "Cora Commander asked for changes to version 1" in seen
    assert "Say why the pool was small." in seen
    assert "Ask for review" in seen
    as_user(ben).post(edit(draft), {"version": "1", "text": "The merge set it to 40. [#1]"})
    assert "Say why the pool was small." in text_of(as_user(ben).get(page)), "until a review is asked for again"
    as_user(ben).post(f"{page}review/", {"version": "2"})
    assert "Say why the pool was small." not in text_of(as_user(ben).get(page))


@pytest.mark.fault("console-4")
def test_questions_are_for_those_who_may_answer_them(
    draft: Postmortem, ben: User, cleo: User, cora: User, as_user: Browser
) -> None:
    page = f"{BASE}/{draft.incident.code}/postmortem/"
    assert "What surprised you?" in text_of(as_user(ben).get(page))
    assert "What surprised you?" not in text_of(as_user(cleo).get(page)), "an auditor reads, and is asked nothing"
    as_user(ben).post(f"{page}review/", {"version": "1"})
    waiver = {"without": ["factors", "helped", "harder", "lessons"], "reason": "A drill."}
    as_user(cora).post(f"{page}approval/", {"version": "1", **waiver})

    approved = text_of(as_user(ben).get(page))

    assert "What surprised you?" not in approved
    assert "Lessons" not in approved.partition("What is missing")[0].partition("On this page")[0]


@pytest.mark.parametrize("version", ["9", "x", "²"])
def test_a_version_that_does_not_exist_is_not_found(
    draft: Postmortem, ben: User, as_user: Browser, version: str
) -> None:
    page = f"{BASE}/{draft.incident.code}/postmortem/"

    assert as_user(ben).get(page, {"version": version}).status_code == 404
    assert as_user(ben).post(f"{page}approval/", {"version": version}).status_code == 404
    assert as_user(ben).post(f"{page}blessing/", {"version": "1"}).status_code == 404


def test_an_item_is_added_changed_and_closed(incident: Incident, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)
    given = {"title": "Cap the pool", "type": "PREVENT", "owner": f"tenancy.user:{ben.pk}", "due_date": "2026-12-15"}

    added = browser.post(f"{BASE}/{incident.code}/actions/new/", given, follow=True)
    assert "Cap the pool" in text_of(added)
    changed = browser.post(
        f"{BASE}/actions/A-1/", {**given, "title": "Cap the pool at 80", "version": "1"}, follow=True
    )
    assert "Cap the pool at 80" in text_of(changed)
    browser.post(f"{BASE}/actions/A-1/closure/", {"note": ""})

    item = ActionItem.objects.get()
    assert (item.status, item.effect, item.owner) == ("DONE", "UNVERIFIED", ben)
    assert "Unverified" in text_of(browser.get(f"{BASE}/actions/?view=all"))
    assert "Nothing is open" in text_of(browser.get(f"{BASE}/actions/"))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"due_date": "soon"}, "Give a date"),
        ({"owner": "nobody@example.test"}, "is not a member"),
        ({"title": ""}, "cannot be empty"),
    ],
)
def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(
    incident: Incident, ben: User, as_user: Browser, wrong: dict[str, str], complaint: str
) -> None:
    given = {"title": "Cap the pool", "type": "PREVENT", "detail": "typed at length", **wrong}

    answer = as_user(ben).post(f"{BASE}/{incident.code}/actions/new/", given)

    assert answer.status_code == 422
    assert complaint in text_of(answer)
    assert "typed at length" in answer.content.decode()
    assert ActionItem.objects.count() == 0


def test_a_stale_form_does_not_overwrite(item: ActionItem, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)
    given = {"title": "First", "type": "DETECT", "version": "1"}
    assert browser.post(f"{BASE}/actions/{item.code}/", given).status_code == 302

    answer = browser.post(f"{BASE}/actions/{item.code}/", {**given, "title": "Second"})

    assert answer.status_code == 422
    assert "Somebody else changed this" in text_of(answer)
    item.refresh_from_db()
    assert item.title == "First"
