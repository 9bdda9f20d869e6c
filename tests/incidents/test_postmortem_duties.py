"""The postmortem's sections about reporting obligations and about controls: every sentence cites its entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.tenancy.actors import Actor
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.postmortem import Postmortem
from incidents.postmortem.document.context import document_context
from incidents.postmortem.document.markdown import markdown
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.reporting.deadline_record import record_deadline
from incidents.reporting.lifecycle import assert_reporting_moment, decide_obligations, file_obligation
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update

HOUR = timedelta(hours=1)


@pytest.fixture
def breach(declare: Callable[..., Incident], commander: Actor, now: datetime) -> Incident:
    """GDPR filed in time, HIPAA signed as not reportable, DORA still open and missed."""
    incident = declare(answers={"personal_data": "YES", "financial_service": "UNKNOWN"})
    given: dict[str, Any] = {"incident": incident, "actor": commander, "now": now}
    assert_reporting_moment(key="awareness", at=now - 9 * HOUR, reason="The desk read it.", **given)
    decide_obligations(regime="GDPR", applies=True, reason="Names and addresses.", **given)
    decide_obligations(regime="HIPAA", applies=False, reason="No health data at all.", **given)
    for key in ("gdpr.authority",):
        file_obligation(
            obligation=Obligation.objects.get(incident=incident, rule_key=key),
            submitted=b"report",
            reference="DPA-7",
            filed_at=now - HOUR,
            actor=commander,
            now=now,
        )
    dora = Obligation.objects.get(incident=incident, rule_key="dora.initial")
    record_deadline(obligation=dora, percent=100, told="everybody", actor=commander, now=now)
    return incident


def _section(postmortem: Postmortem, key: str) -> list[dict[str, Any]]:
    return next(section["blocks"] for section in postmortem.sections if section["key"] == key)


def test_the_regulatory_section_tells_each_decision_deadline_and_filing(
    breach: Incident, commander: Actor, now: datetime
) -> None:
    postmortem = draft_postmortem(incident=breach, actor=commander, now=now)
    said = "\n".join(block["text"] for block in _section(postmortem, "regulatory"))

    assert "Is personal data affected? Yes. Is a financial service affected? Not known yet." in said
    assert "awareness was at" in said
    assert "signed: HIPAA, not reportable" in said
    assert "No health data at all." in said
    assert "not reportable, signed by Cora Commander 20 Nov 2026, 11:00:00 UTC" in said
    assert "filed 20 Nov 2026, 10:00:00 UTC by Cora Commander, number DPA-7; its deadline" in said
    assert "was met by 2d 16h" in said
    assert "DORA, “Initial notification” to Competent authority: nobody has decided whether it applies" in said
    assert "the deadline was missed and nothing is filed" in said
    assert "1 filed in time" in said


def test_every_sentence_cites_entries_that_exist_and_say_so(breach: Incident, commander: Actor, now: datetime) -> None:
    postmortem = draft_postmortem(incident=breach, actor=commander, now=now)
    kinds = {event.seq: event.kind for event in TimelineEvent.objects.filter(incident=breach)}

    for key in ("regulatory", "controls", "cost"):
        for block in _section(postmortem, key):
            assert block["sources"], block["text"]
            assert set(block["sources"]) <= kinds.keys(), block["text"]
    filed = next(block for block in _section(postmortem, "regulatory") if "DPA-7" in block["text"])
    assert EventKind.OBLIGATION_FILED in {kinds[seq] for seq in filed["sources"]}
    decided = next(
        block for block in _section(postmortem, "regulatory") if "not reportable, signed by" in block["text"]
    )
    assert {kinds[seq] for seq in decided["sources"]} == {EventKind.OBLIGATION_DECIDED}


def test_a_decision_that_was_asked_again_is_told(breach: Incident, commander: Actor, now: datetime) -> None:
    classify_incident(incident=breach, answers={"personal_data": "UNKNOWN"}, actor=commander, now=now)

    said = [
        block["text"] for block in _section(draft_postmortem(incident=breach, actor=commander, now=now), "regulatory")
    ]

    assert any("is asked again: personal data changed since the decision" in text for text in said)


def test_controls_that_operated_and_failed(breach: Incident, commander: Actor, now: datetime) -> None:
    acknowledge_incident(incident=breach, actor=commander, now=now, take_command=True)
    post_update(incident=breach, text="Mail recalled.", actor=commander, now=now)
    move_incident(incident=breach, to="MITIGATED", actor=commander, now=now)
    move_incident(
        incident=breach,
        to="RESOLVED",
        reason="Recalled.",
        override="The regulator was called.",
        actor=commander,
        now=now,
    )

    said = "\n".join(
        block["text"] for block in _section(draft_postmortem(incident=breach, actor=commander, now=now), "controls")
    )

    assert "Not tested: at the move to Resolved. There was no blocking task." in said
    assert "blocking tasks are closed" not in said
    assert "Failed: at the move to Resolved. Nobody has decided whether it is to be reported under DORA" in said
    assert "Overridden by Cora Commander: The regulator was called." in said
    assert "Operated: every role was accepted in time." in said
    assert "Failed: the deadline passed without a filing of “Initial notification” (DORA)." in said


def test_markdown_and_document_have_the_sections(breach: Incident, commander: Actor, now: datetime) -> None:
    postmortem = draft_postmortem(incident=breach, actor=commander, now=now)

    text = markdown(incident=breach, postmortem=postmortem)
    document = document_context(incident=breach, postmortem=postmortem, tenant_name="N")["document"]
    titles = [section["title"] for section in document["sections"]]

    assert "## Regulatory assessment" in text
    assert "## Controls that operated or failed" in text
    assert "Regulatory assessment" in titles


def test_a_version_that_was_drafted_before_keeps_its_sections(
    breach: Incident, commander: Actor, now: datetime
) -> None:
    first = draft_postmortem(incident=breach, actor=commander, now=now)
    before = first.sections
    decide_obligations(
        incident=breach, regime="DORA", applies=False, reason="No bank is hit.", actor=commander, now=now
    )
    draft_postmortem(incident=breach, actor=commander, now=now)

    first.refresh_from_db()
    assert first.sections == before


def test_without_a_duty_it_says_so(declare: Callable[..., Incident], commander: Actor, now: datetime) -> None:
    postmortem = draft_postmortem(incident=declare(), actor=commander, now=now)
    said = [block["text"] for block in _section(postmortem, "regulatory")]

    assert said == ["No reporting obligation was armed."]
    missing = [block["text"] for block in _section(postmortem, "unknown")]
    assert any(text.startswith("Not answered: Is personal data affected?") for text in missing)


def test_a_role_that_waits_for_its_answer_did_not_operate(
    declare: Callable[..., Incident], commander: Actor, ben: Any, now: datetime
) -> None:
    incident = declare()
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)

    said = [
        block["text"] for block in _section(draft_postmortem(incident=incident, actor=commander, now=now), "controls")
    ]

    assert "Not known: nobody has accepted yet for Ben Responder, scribe." in said
    assert "Operated: every role was accepted in time." not in said
