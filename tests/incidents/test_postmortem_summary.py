"""The first page of a draft says what happened, to whom and why before when; each sentence with its sources."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.metering.lifecycle import record
from conductor.metering.models import PriceBook
from conductor.tenancy.actors import Actor
from incidents.followups.action_items import add_action_item
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.links.lifecycle import link_incidents
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.approval import SectionsBlank, approve_postmortem, request_changes
from incidents.postmortem.document.context import document_context
from incidents.postmortem.document.markdown import markdown
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import SectionComputed, ask_for_review, edit_section
from incidents.record.metered import ROLE_SECONDS
from incidents.response.policy import built_in_content
from incidents.response.policy_versions import change_response_policy
from incidents.timeline.lifecycle import post_update, record_decision
from incidents.timeline.milestones import set_milestone

MINUTE = timedelta(minutes=1)
ALL = ["factors", "helped", "harder", "lessons"]
ADDRESSED_TO_AUTHORS = ("Nobody has written this yet", "People write that above", "can be read", "What surprised you")


@pytest.fixture
def whole(declare: Callable[..., Incident], commander: Actor, now: datetime) -> Incident:
    """A response in which everything was said: service, impact, cause, a decision, reasons, an action item."""
    incident = declare(
        title="Card authorisations failing", severity="SEV2", service="payments-api", summary="Six of ten are refused"
    )
    given: dict[str, Any] = {"incident": incident, "actor": commander}
    acknowledge_incident(now=now, take_command=True, **given)
    classify_incident(impact="MOST", urgency="DEGRADING", now=now + MINUTE, **given)
    post_update(text="We look into it.", now=now + 2 * MINUTE, **given)
    record_decision(text="Roll back to 4.17.3", now=now + 5 * MINUTE, **given)
    move_incident(to="MITIGATED", reason="Rolled back.", now=now + 20 * MINUTE, **given)
    move_incident(to="RESOLVED", reason="All cards work.", now=now + 40 * MINUTE, **given)
    for key, minutes, why in (
        ("impact_started", -10, "From the logs."),
        ("impact_ended", 21, "From the logs."),
        ("identified", 15, "A merge capped the pool at 40"),
    ):
        set_milestone(key=key, at=now + minutes * MINUTE, reason=why, now=now + 41 * MINUTE, **given)
    add_action_item(title="Compare the merged file", type="PREVENT", now=now + 42 * MINUTE, **given)
    return Incident.objects.get(id=incident.id)


@pytest.fixture
def draft(whole: Incident, now: datetime) -> Postmortem:
    return draft_postmortem(incident=whole, actor=Actor.system(), now=now + timedelta(hours=1))


def blocks(postmortem: Postmortem, key: str) -> list[dict[str, Any]]:
    return next(section["blocks"] for section in postmortem.sections if section["key"] == key)


def said(postmortem: Postmortem, key: str) -> list[str]:
    return [block["text"] for block in blocks(postmortem, key)]


@pytest.mark.fault("console-4")
def test_the_summary_says_what_whom_and_why_before_when(draft: Postmortem) -> None:
    assert said(draft, "summary") == [
        "payments-api was hit: most customers.",
        "Six of ten are refused.",
        "Cause: A merge capped the pool at 40.",
        "Decision: Roll back to 4.17.3.",
        "Mitigated: Rolled back.",
        "Resolved: All cards work.",
        "The impact lasted 31m 00s, from 20 Nov 2026, 10:50 to 11:21 UTC.",
        "Declared as SEV2 in the console on 20 Nov 2026, 11:00 UTC; resolved 11:40 UTC, after 40m 00s.",
    ]
    kinds = dict(TimelineEvent.objects.filter(incident=draft.incident).values_list("seq", "kind"))
    cited = [{kinds[seq] for seq in block["sources"]} for block in blocks(draft, "summary")]
    assert cited[2:6] == [
        {EventKind.MILESTONE_SET},
        {EventKind.DECISION_RECORDED},
        {EventKind.STATUS_CHANGED},
        {EventKind.STATUS_CHANGED},
    ]


def test_the_headline_says_what_happened_to_whom_and_for_how_long(draft: Postmortem) -> None:
    assert said(draft, "headline") == ["Card authorisations failing: most customers for 31m 00s"]


def test_there_are_at_most_four_figures_and_each_says_what_it_counts(draft: Postmortem) -> None:
    assert [block["cells"] for block in blocks(draft, "figures")] == [
        ["31m 00s", "of impact"],
        ["Most", "customers affected"],
        ["20m 00s", "from the declaration to mitigation"],
    ]


@pytest.mark.fault("console-F12")
def test_one_duration_is_the_same_wherever_it_stands(draft: Postmortem) -> None:
    """Headline, figures, summary, impact and metrics print the same length of the impact, the document too."""
    places = ["headline", "figures", "summary", "impact", "metrics"]
    lengths = {key: [text for text in said(draft, key) if "31m 00s" in text] for key in places}

    assert [key for key, found in lengths.items() if not found] == []
    wrong = [text for key in places for text in said(draft, key) if re.search(r"\b3[02]m \d\ds", text)]
    assert wrong == []


def test_what_people_write_as_the_cause_is_what_the_summary_says(
    draft: Postmortem, responder: Actor, now: datetime
) -> None:
    text = "The merge tool takes the last value. Nothing compares it with what runs. [#1]\n\nNo alert watches the pool."
    edited = edit_section(postmortem=draft, key="factors", text=text, actor=responder, now=now)

    assert "The merge tool takes the last value." in said(edited, "summary")
    assert not any(text.startswith("Cause:") for text in said(edited, "summary"))


def test_a_link_to_a_cause_is_a_sentence_and_an_ended_one_is_not(
    whole: Incident, declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    other = declare(title="Cluster lost")
    link_incidents(incident=whole, other=other, kind="CAUSED_BY", actor=commander, now=now)

    drafted = draft_postmortem(incident=whole, actor=Actor.system(), now=now + timedelta(hours=1))

    assert [text for text in said(drafted, "summary") if text.startswith("It was caused by")] == [
        f"It was caused by {other}."
    ]


def test_a_summary_that_somebody_wrote_stays(draft: Postmortem, responder: Actor, now: datetime) -> None:
    edited = edit_section(postmortem=draft, key="summary", text="Cards failed. [#1]", actor=responder, now=now)
    again = edit_section(postmortem=edited, key="factors", text="A merge. [#1]", actor=responder, now=now)

    assert said(again, "summary") == ["Cards failed."]


@pytest.mark.parametrize("key", ["figures", "unknown"])
def test_what_follows_from_the_record_is_nobodys_to_write(
    draft: Postmortem, responder: Actor, now: datetime, key: str
) -> None:
    with pytest.raises(SectionComputed):
        edit_section(postmortem=draft, key=key, text="Four nines.", actor=responder, now=now)


@pytest.mark.fault("console-F2")
def test_an_incident_of_which_nobody_said_anything_gets_no_words_put_in_its_mouth(
    at_status: Callable[..., Incident], now: datetime
) -> None:
    drafted = draft_postmortem(incident=at_status("RESOLVED"), actor=Actor.system(), now=now)

    whole_text = " ".join(said(drafted, "summary"))
    assert "customers" not in whole_text
    assert "Cause" not in whole_text
    assert [key for key in (*ALL, "decisions", "actions", "cost") if blocks(drafted, key)] == []
    missing = " ".join(said(drafted, "unknown"))
    assert "Not written: contributing factors, what helped, what made it harder and lessons." in missing
    assert "how many were affected" in missing


@pytest.mark.fault("console-4")
def test_nothing_is_addressed_to_authors_anywhere(draft: Postmortem) -> None:
    read = " ".join(block["text"] for section in draft.sections for block in section["blocks"])
    for text in (read, markdown(incident=draft.incident, postmortem=draft)):
        assert [words for words in ADDRESSED_TO_AUTHORS if words in text] == []
        assert "drafted postmortem version" not in text


@pytest.mark.fault("console-4")
def test_sections_without_content_are_left_out_and_named_once(draft: Postmortem) -> None:
    context = document_context(incident=draft.incident, postmortem=draft, tenant_name="Northwind")

    titles = [section["title"] for section in context["document"]["sections"]]
    assert "Lessons" not in titles
    assert titles[-1] == "What is missing"
    text = markdown(incident=draft.incident, postmortem=draft)
    assert "## Lessons" not in text
    assert text.lower().count("lessons") == 1


@pytest.mark.fault("console-4")
def test_a_price_of_zero_or_none_is_no_cost(whole: Incident, now: datetime) -> None:
    for meter, price in ((ROLE_SECONDS, "0"), ("engine.step_seconds", None), ("incidents.document_bytes", "0.5")):
        record(tenant_id=whole.tenant_id, meter=meter, quantity=10, subject=whole.ref, key=f"{meter}:1", now=now)
        if price is not None:
            PriceBook.objects.create(meter=meter, currency="USD", unit_price=price, valid_from=now - MINUTE)

    drafted = draft_postmortem(incident=whole, actor=Actor.system(), now=now + timedelta(hours=1))

    assert said(drafted, "cost") == ["10 B of documents: $5."]
    assert [text for text in said(drafted, "unknown") if text.startswith("Without a price")] == [
        "Without a price: 10s of workflow steps."
    ]


def test_a_review_is_refused_while_required_sections_are_blank(
    draft: Postmortem, responder: Actor, commander: Actor, now: datetime
) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)

    with pytest.raises(SectionsBlank) as refused:
        approve_postmortem(postmortem=draft, without=["factors"], reason="Known.", actor=commander, now=now)

    assert refused.value.missing == ["helped", "harder", "lessons"]


@pytest.mark.fault("console-F2")
def test_the_approver_names_what_is_blank_and_the_document_says_who_and_why(
    draft: Postmortem, responder: Actor, commander: Actor, now: datetime
) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)

    approved = approve_postmortem(
        postmortem=draft, without=ALL, reason="Known and mended last week.", actor=commander, now=now
    )

    assert (approved.waived, approved.waiver_reason) == (ALL, "Known and mended last week.")
    entry = TimelineEvent.objects.get(incident=draft.incident, kind=EventKind.POSTMORTEM_APPROVED)
    assert (entry.data["without"], entry.body) == (ALL, "Known and mended last week.")
    words = "Cora Commander approved it without contributing factors, what helped, what made it harder and lessons"
    assert f"{words}: Known and mended last week." in markdown(incident=draft.incident, postmortem=approved)


def test_the_response_policy_says_which_sections_are_needed(
    draft: Postmortem, responder: Actor, commander: Actor, ana: Any, actor: Callable[..., Actor], now: datetime
) -> None:
    content = built_in_content() | {"written_sections": {"SEV2": []}}
    tenant_id = draft.incident.tenant_id
    change_response_policy(
        tenant_id=tenant_id, content=content, reason="Less.", seen_version=0, actor=actor(ana), now=now
    )
    ask_for_review(postmortem=draft, actor=responder, now=now)

    assert approve_postmortem(postmortem=draft, actor=commander, now=now).waived == []


@pytest.mark.fault("console-F10")
def test_what_was_sent_back_is_asked_about_again_and_the_comment_stays_on_the_timeline(
    draft: Postmortem, responder: Actor, commander: Actor, now: datetime
) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)
    sent = request_changes(postmortem=draft, comment="Say what helped.", actor=commander, now=now)
    assert (sent.status, request_changes(postmortem=sent, comment="Say what helped.", actor=commander, now=now)) == (
        "CHANGES", sent,
    )  # fmt: skip

    again = ask_for_review(postmortem=sent, actor=responder, now=now)

    assert again.status == "IN_REVIEW"
    entry = TimelineEvent.objects.get(incident=draft.incident, kind=EventKind.POSTMORTEM_CHANGES_REQUESTED)
    assert (entry.body, entry.data["version"]) == ("Say what helped.", 1)


def test_declared_with_its_impact_it_cites_the_declaration(declare: Callable[..., Incident], now: datetime) -> None:
    incident = declare(title="Down", severity="", impact="ALL", urgency="STOPPED", service="")

    drafted = draft_postmortem(incident=incident, actor=Actor.system(), now=now)

    assert blocks(drafted, "summary")[0]["text"] == "It hit all customers, or data or safety at risk."
    assert blocks(drafted, "summary")[0]["sources"] == [1]
