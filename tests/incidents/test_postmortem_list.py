"""The list of postmortems: where each stands, whose it is, for how long; filters, pages and the palette find them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.actors import Actor
from incidents.access.lifecycle import set_visibility
from incidents.hub.selectors import HubFilter
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.incident import Incident
from incidents.postmortem.approval import approve_postmortem, publish_postmortem, request_changes
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import ask_for_review
from incidents.postmortem.selectors import ALL, MISSING, OPEN, PUBLISHED, REVIEW, postmortem_figures, postmortem_page

pytestmark = pytest.mark.fault("console-F8")
Browser = Callable[[User], Client]
LIST = "/t/northwind/incidents/postmortems/"
EVERYTHING = HubFilter(kind="")
BLANK: dict[str, Any] = {"without": ["factors", "helped", "harder", "lessons"], "reason": "A drill."}
DAY = timedelta(days=1)


@pytest.fixture
def resolved(declare: Callable[..., Incident], commander: Actor, now: datetime) -> Callable[[str], Incident]:
    def make(title: str) -> Incident:
        incident = declare(title=title)
        acknowledge_incident(incident=incident, take_command=True, actor=commander, now=now)
        move_incident(incident=incident, to="MITIGATED", actor=commander, now=now)
        incident.refresh_from_db()
        move_incident(incident=incident, to="RESOLVED", actor=commander, now=now)
        return Incident.objects.get(id=incident.id)

    return make


@pytest.fixture
def five(resolved: Callable[[str], Incident], responder: Actor, commander: Actor, now: datetime) -> dict[str, Incident]:
    """One of each: draft, in review, sent back, published, and one without any."""
    made = {name: resolved(f"{name} of the queue") for name in ("Draft", "Review", "Changes", "Published", "None")}
    versions = {
        name: draft_postmortem(incident=incident, actor=Actor.system(), now=now)
        for name, incident in made.items()
        if name != "None"
    }
    for name in ("Review", "Changes", "Published"):
        versions[name] = ask_for_review(postmortem=versions[name], actor=responder, now=now + DAY)
    request_changes(postmortem=versions["Changes"], comment="Say why.", actor=commander, now=now + 2 * DAY)
    approved = approve_postmortem(postmortem=versions["Published"], actor=commander, now=now + 2 * DAY, **BLANK)
    publish_postmortem(postmortem=approved, actor=commander, now=now + 3 * DAY)
    return made


def titles(view: str, now: datetime, **narrowed: Any) -> set[str]:
    found = postmortem_page(filters=HubFilter(kind="", **narrowed), view=view, now=now)
    return {row.incident.title.split()[0] for row in found.rows}


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_each_view_lists_what_stands_there(five: dict[str, Incident], now: datetime) -> None:
    assert {view: titles(view, now) for view in (OPEN, REVIEW, PUBLISHED, MISSING, ALL)} == {
        OPEN: {"Draft", "Review", "Changes"},
        REVIEW: {"Review"},
        PUBLISHED: {"Published"},
        MISSING: {"None"},
        ALL: {"Draft", "Review", "Changes", "Published"},
    }
    figures = postmortem_figures()
    assert (figures.open, figures.in_review, figures.published, figures.missing) == (3, 1, 1, 1)


def test_a_row_says_since_when_for_how_long_and_whose(five: dict[str, Incident], now: datetime) -> None:
    found = postmortem_page(filters=EVERYTHING, view=ALL, now=now + 10 * DAY)
    rows = {row.incident.title.split()[0]: row for row in found.rows}

    assert {name: (row.since, row.age) for name, row in rows.items()} == {
        "Draft": (now, 10 * DAY),
        "Review": (now + DAY, 10 * DAY),
        "Changes": (now + 2 * DAY, 10 * DAY),
        "Published": (now + 3 * DAY, 3 * DAY),
    }
    assert {(row.owner, row.version) for row in rows.values()} == {("Cora Commander", 1)}


def test_the_newest_version_counts(five: dict[str, Incident], now: datetime) -> None:
    draft_postmortem(incident=five["Published"], actor=Actor.system(), now=now + 5 * DAY)

    assert titles(PUBLISHED, now) == set()
    assert "Published" in titles(OPEN, now)
    assert postmortem_figures().published == 0


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"q": "review"}, {"Review"}),
        ({"q": "INC-1"}, {"Draft"}),
        ({"q": "cora draft"}, {"Draft"}),
        ({"q": "zebra"}, set()),
    ],
    ids=["title", "code", "owner", "nothing"],
)
def test_it_is_found_by_title_code_and_owner(
    five: dict[str, Incident], now: datetime, narrowed: dict[str, str], found: set[str]
) -> None:
    assert titles(ALL, now, **narrowed) == found


def test_pages_follow_one_another_without_gaps(five: dict[str, Incident], now: datetime) -> None:
    first = postmortem_page(filters=EVERYTHING, view=ALL, now=now, size=3)
    second = postmortem_page(filters=EVERYTHING, view=ALL, now=now, size=3, before=first.older)

    numbers = [row.incident.number for row in (*first.rows, *second.rows)]
    assert (len(first.rows), len(second.rows), second.older) == (3, 1, None)
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4


def test_the_list_takes_as_many_queries_however_long_it_is(
    five: dict[str, Incident], now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        postmortem_page(filters=EVERYTHING, view=ALL, now=now)


def test_the_page_and_the_palette_lead_to_it(five: dict[str, Incident], cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)
    page = browser.get(LIST)
    assert 'href="/t/northwind/incidents/INC-2/postmortem/"' in page.content.decode()
    assert "Changes requested" in text_of(page)
    assert "Nothing matches here." in text_of(browser.get(LIST, {"q": "zebra"}))

    for words in ("postmortem review", "Postmortems Review"):
        found = browser.get("/t/northwind/palette", {"q": words})
        assert "Postmortem: Review of the queue" in text_of(found)


@pytest.mark.parametrize("query", [{"view": "x"}, {"before": "²"}, {"severity": "SEV9"}, {"q": "\x00"}], ids=repr)
def test_an_odd_query_shows_a_page(
    five: dict[str, Incident], cleo: User, as_user: Browser, query: dict[str, str]
) -> None:
    assert as_user(cleo).get(LIST, query).status_code == 200


def test_a_private_incident_is_neither_listed_nor_counted_for_others(
    five: dict[str, Incident], commander: Actor, cleo: User, as_user: Browser, now: datetime
) -> None:
    set_visibility(incident=five["Review"], visibility="PRIVATE", reason="Names a person.", actor=commander, now=now)

    page = text_of(as_user(cleo).get(LIST, {"view": "review"}))

    assert "Review of the queue" not in page
    assert "In review 0" in page
