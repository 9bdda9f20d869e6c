"""The document on paper: page 1 stands alone, pages fill up, nothing is addressed to its authors, nothing overflows."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string

from adapters.ports.protocols import Measure, Reading, Unit
from conductor.console.documents.documents import render_pdf
from conductor.tenancy.actors import Actor
from incidents.followups.action_items import add_action_item
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.integrity.postmortem_digest import content_of
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.approval import approve_postmortem, publish_postmortem
from incidents.postmortem.document.context import document_context
from incidents.postmortem.document.first_page import marks_of
from incidents.postmortem.document.markdown import markdown
from incidents.postmortem.document.plot import LEFT, RIGHT, Mark, plots_of
from incidents.postmortem.draft.measures import chart_files
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.measures import Chart, chart_of, window_of
from incidents.postmortem.review import ask_for_review, edit_section
from incidents.postmortem.steps import TEMPLATE
from incidents.timeline.lifecycle import post_update
from incidents.timeline.milestones import set_milestone
from tests.console.test_documents import draws
from tests.poppler import poppler

MINUTE = timedelta(minutes=1)
ALL = ["factors", "helped", "harder", "lessons"]
TO_AUTHORS = ("Nobody has written this yet", "The record says nothing", "What surprised you", "Name several")
PAGE_POINTS, MARGINS = 842, (71, 65)
"""A4's height, and what of it is margin above and below."""


@pytest.fixture
def response(declare: Callable[..., Incident], commander: Actor, now: datetime) -> Incident:
    incident = declare(title="Card authorisations failing", severity="SEV2", service="payments-api", impact="MOST")
    given: dict[str, Any] = {"incident": incident, "actor": commander}
    acknowledge_incident(now=now, take_command=True, **given)
    for n in range(12):
        post_update(text=f"Update {n}: we look into the queue of eu-west-1.", now=now + n * MINUTE, **given)
    move_incident(to="MITIGATED", reason="Rolled back.", now=now + 20 * MINUTE, **given)
    move_incident(to="RESOLVED", reason="All cards work.", now=now + 40 * MINUTE, **given)
    for key, minutes in (("impact_started", -10), ("impact_ended", 21)):
        set_milestone(key=key, at=now + minutes * MINUTE, reason="Logs.", now=now + 41 * MINUTE, **given)
    for n in range(6):
        add_action_item(title=f"Compare the merged file {n}", type="PREVENT", now=now + 42 * MINUTE, **given)
    return Incident.objects.get(id=incident.id)


def charts_of(incident: Incident, now: datetime) -> list[Chart]:
    window = window_of(incident=incident, now=now + timedelta(hours=1))
    points = [
        (at, 0.6 if window.impact_start <= at <= window.impact_end else 0.01)
        for at in (window.start + window.step * n for n in range(window.moments))
    ]
    measure = Measure(key="Error Rate", label="Error rate", unit=Unit.RATIO, objective=0.05)
    return [
        chart_of(measure=measure, source="Prometheus", window=window, reading=Reading(points=tuple(points), query="q"))
    ]


@pytest.fixture
def draft(response: Incident, now: datetime) -> Postmortem:
    charts = charts_of(response, now)
    return draft_postmortem(incident=response, charts=charts, actor=Actor.system(), now=now + timedelta(hours=1))


@pytest.fixture
def published(draft: Postmortem, responder: Actor, commander: Actor, now: datetime) -> Postmortem:
    """Factors written by Ben, the others left blank by Cora, by name and with a reason."""
    text = "A merge capped the pool. [#1]\n\nNothing compares what was merged. [#1, #2, #3]\n\nNo alert watches it."
    edited = edit_section(postmortem=draft, key="factors", text=text, actor=responder, now=now)
    ask_for_review(postmortem=edited, actor=responder, now=now)
    approved = approve_postmortem(
        postmortem=edited, without=ALL[1:], reason="Known since last week", actor=commander, now=now
    )
    return publish_postmortem(postmortem=approved, actor=commander, now=now)


def context(postmortem: Postmortem) -> dict[str, Any]:
    return document_context(incident=postmortem.incident, postmortem=postmortem, tenant_name="Northwind")


def drawn(postmortem: Postmortem, now: datetime) -> bytes:
    return render_pdf(template=TEMPLATE, context=context(postmortem), created=now, identifier="x", title="Postmortem")


def pages(pdf: bytes, folder: Path) -> list[str]:
    (folder / "postmortem.pdf").write_bytes(pdf)
    return poppler("pdftotext", "-layout", folder / "postmortem.pdf", "-").split("\f")[:-1]


def fill(folder: Path) -> list[float]:
    """How far down each page's text reaches, from the top of its text block."""
    found = poppler("pdftotext", "-bbox", folder / "postmortem.pdf", "-")
    room = PAGE_POINTS - sum(MARGINS)
    return [
        (max(y for y in map(float, re.findall(r'yMax="([\d.]+)"', page)) if y < PAGE_POINTS - MARGINS[1]) - MARGINS[0])
        / room
        for page in found.split("<page ")[1:]
    ]


@draws
@pytest.mark.fault("console-4")
def test_the_first_page_stands_alone_and_the_others_fill_up(
    published: Postmortem, now: datetime, tmp_path: Path
) -> None:
    pdf = drawn(published, now)

    read = pages(pdf, tmp_path)
    first = " ".join(read[0].split())
    for words in (
        "Card authorisations failing: most customers for 31m 00s",
        "payments-api was hit: most customers.",
        "A merge capped the pool.",
        "of impact",
        "Why it happened",
        "What changes, so that it does not happen again",
        "more action items in section",
        "written by Ben Responder from",
        "Approved by Cora Commander on 20 Nov 2026, 11:00 UTC.",
        "Known since last week.",
    ):
        assert words in first, words
    assert "Contents" not in first
    assert read[1].lstrip().startswith("Postmortem INC-1") and "Impact" in read[1]
    assert len(read) <= 5
    assert [(n, round(full, 2)) for n, full in enumerate(fill(tmp_path)[:-1], 1) if full < 0.4] == []
    titles = [section["title"] for section in context(published)["document"]["sections"]]
    outline = poppler("pdfinfo", "-struct-text", tmp_path / "postmortem.pdf")
    assert [title for title in titles if title not in outline] == []
    assert drawn(published, now) == pdf, "the same input, the same bytes"


@draws
@pytest.mark.fault("console-4")
def test_a_published_file_asks_nothing_of_its_authors(published: Postmortem, now: datetime, tmp_path: Path) -> None:
    content = str(content_of(sections=published.sections, metrics=published.metrics, charts=published.charts))
    files = [
        " ".join(pages(drawn(published, now), tmp_path)),
        markdown(incident=published.incident, postmortem=published),
        content,
    ]

    for text in files:
        assert [words for words in TO_AUTHORS if words in text] == []
    assert "Draft" not in files[0]
    box = files[0].partition("What is missing")[2]
    assert "Not written: what helped, what made it harder and lessons." in " ".join(box.split())
    assert "Cora Commander approved it without what helped, what made it harder and lessons" in " ".join(box.split())


@draws
@pytest.mark.fault("field-F1")
@pytest.mark.parametrize("text", ["QUJD" * 2500, "支払いは復旧しました。" * 909], ids=["base64", "Japanese"])
def test_a_long_text_is_drawn_in_under_ten_seconds_of_cpu_inside_the_page(
    response: Incident, responder: Actor, now: datetime, tmp_path: Path, text: str
) -> None:
    """As an update and as a written section; both are cut where a cell is, and say how much is left."""
    post_update(incident=response, text=text, actor=responder, now=now + 39 * MINUTE)
    drafted = draft_postmortem(incident=response, actor=Actor.system(), now=now + timedelta(hours=1))
    edited = edit_section(postmortem=drafted, key="lessons", text=text, actor=responder, now=now)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    pdf = drawn(edited, now)

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime < 10
    pages(pdf, tmp_path)
    wide = re.findall(r'xMax="([\d.]+)"', poppler("pdftotext", "-bbox", tmp_path / "postmortem.pdf", "-"))
    assert max(map(float, wide)) < 595 - 45, "nothing hangs over the right margin"


def test_the_speaker_stands_before_the_number_everywhere(published: Postmortem) -> None:
    html = render_to_string(TEMPLATE, {**context(published), "title": "T", "created_rfc3339": "2026-11-20T11:00:00Z"})

    cites = html.count('<sup class="cite">')
    assert cites > 10
    assert len(re.findall(r'<span class="nw">[^<]*<sup class="cite">', html)) == cites, "on the line of the last word"
    assert not re.search(r"</sup></span>\s*<span class=\"by\">", html)
    assert not re.search(r"<sup>", html)


def test_a_draft_of_little_goes_on_on_the_first_page(at_status: Callable[..., Incident], now: datetime) -> None:
    drafted = draft_postmortem(incident=at_status("RESOLVED"), actor=Actor.system(), now=now)

    assert context(drafted)["first"]["flows"]


def test_a_chart_that_does_not_fit_the_first_page_stands_with_what_was_measured(
    draft: Postmortem, responder: Actor, now: datetime
) -> None:
    words = " ".join(["It failed in a way that takes many words to tell."] * 7)
    long = edit_section(
        postmortem=draft, key="summary", text="\n\n".join([f"{words} [#1]"] * 10), actor=responder, now=now
    )

    short, full = context(draft), context(long)

    assert short["first"]["plot"].label == "Error rate"
    assert [section["plots"] for section in short["document"]["sections"] if section["key"] == "measured"] == [[]]
    assert full["first"]["height"] == 0
    assert [len(each["plots"]) for each in full["document"]["sections"] if each["key"] == "measured"] == [1]


def test_the_chart_has_at_most_three_marks_whose_words_do_not_meet(draft: Postmortem, now: datetime) -> None:
    timeline = next(section for section in draft.sections if section["key"] == "timeline")
    assert [mark.text for mark in marks_of(timeline)] == ["11:00 declared", "11:20 mitigated"]

    close = [Mark(now + n * timedelta(seconds=20), f"11:0{n} something that happened") for n in range(5)]
    (plot,) = plots_of(draft.charts, marks=close)

    spans = [
        (tick.at, tick.at + 5.2 * len(tick.text))
        if tick.anchor == "start"
        else (tick.at - 5.2 * len(tick.text), tick.at)
        for tick in plot.marks
    ]
    assert len(spans) <= 3
    assert all(left >= LEFT and right <= RIGHT for left, right in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_the_values_of_a_chart_are_attached_as_csv(draft: Postmortem) -> None:
    ((name, data, described),) = chart_files(draft.charts)

    lines = data.decode().split("\r\n")
    assert (name, lines[0], described) == ("error-rate.csv", "moment,value", "Error rate from Prometheus, ratio")
    assert len([line for line in lines[1:] if line]) == len(draft.charts[0]["points"])
