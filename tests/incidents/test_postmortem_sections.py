"""The sections that the record alone gives, and that each of their sentences rests on entries that say so."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from adapters.ports.protocols import Measure, Reading, Unit
from conductor.console.documents.documents import render_pdf
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.postmortem.document.context import document_context
from incidents.postmortem.draft.sections import _PARTS
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.measures import chart_of, missing_chart, window_of
from incidents.postmortem.steps import TEMPLATE
from incidents.response.policy import built_in_content
from incidents.response.policy_versions import change_response_policy
from incidents.timeline.lifecycle import post_update, record_alert
from incidents.timeline.milestones import set_milestone
from tests.poppler import poppler

MINUTE = timedelta(minutes=1)
SECTIONS = {
    "headline", "summary", "figures", "impact", "measured", "detection", "timeline", "factors", "helped", "harder",
    "response",
    "decisions", "metrics", "cost", "communication", "regulatory", "controls", "actions", "lessons", "unknown",
}  # fmt: skip
"""Those of reference 4.9 behind a first page. Its evidence annex is the bundle's manifest."""


@pytest.fixture
def told(declare: Callable[..., Incident], commander: Actor, now: datetime) -> Incident:
    """Impact stated, two updates, moved to resolved with a reason each."""
    incident = declare(severity="SEV2")
    given: dict[str, Any] = {"incident": incident, "actor": commander}
    acknowledge_incident(now=now, take_command=True, **given)
    post_update(text="We look into it.", now=now + MINUTE, **given)
    classify_incident(impact="MOST", urgency="DEGRADING", now=now + MINUTE, **given)
    move_incident(to="MITIGATED", reason="Rolled back.", now=now + 20 * MINUTE, **given)
    move_incident(to="RESOLVED", reason="All cards work.", now=now + 40 * MINUTE, **given)
    for key, minutes in (("impact_started", -10), ("impact_ended", 21)):
        set_milestone(key=key, at=now + minutes * MINUTE, reason="From the logs.", now=now + 41 * MINUTE, **given)
    return Incident.objects.get(id=incident.id)


def _sections(incident: Incident, actor: Actor, now: datetime) -> dict[str, list[dict[str, Any]]]:
    drafted = draft_postmortem(incident=incident, actor=actor, now=now + timedelta(hours=1))
    return {section["key"]: section["blocks"] for section in drafted.sections}


def test_every_section_is_there_and_every_sentence_rests_on_entries_that_exist(
    told: Incident, commander: Actor, now: datetime
) -> None:
    sections = _sections(told, commander, now)
    known = set(TimelineEvent.objects.filter(incident=told).values_list("seq", flat=True))

    assert set(sections) == SECTIONS == {key for key, _title, _build in _PARTS}
    assert {key for key, blocks in sections.items() if not blocks} == {
        "factors", "helped", "harder", "lessons", "measured", "decisions", "actions", "cost", "communication",
    }  # fmt: skip
    for blocks in sections.values():
        for block in blocks:
            assert block["sources"], block
            assert set(block["sources"]) <= known, block


def test_the_impact_is_told_as_somebody_stated_it(told: Incident, commander: Actor, now: datetime) -> None:
    blocks = _sections(told, commander, now)["impact"]
    kinds = dict(TimelineEvent.objects.filter(incident=told).values_list("seq", "kind"))

    said = [block["text"] for block in blocks]
    assert "Cora Commander set the impact to “most customers”." in said
    assert said[-1] == "From its start, 20 Nov 2026, 10:50:00 UTC, to its end, 20 Nov 2026, 11:21:00 UTC: 31m 00s."
    assert {kinds[seq] for seq in blocks[-1]["sources"]} == {EventKind.MILESTONE_SET}


def test_what_nobody_stated_is_told_from_what_is_known(
    at_status: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    said = [block["text"] for block in _sections(at_status("MITIGATED"), commander, now)["impact"]]

    assert said[-1].startswith("From the first known moment, 20 Nov 2026, 11:00:00 UTC, to mitigation, ")


def test_a_row_of_the_timeline_names_its_actor_once(told: Incident, commander: Actor, now: datetime) -> None:
    for block in _sections(told, commander, now)["timeline"]:
        assert (commander.name in block["text"]) != ("by" in block), block


def test_an_alert_that_declares_it_waits_for_nobody(
    declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    for waited, words in ((timedelta(milliseconds=50), "with the alert"), (3 * MINUTE, "3m 00s after the alert began")):
        incident = declare(title=f"After {waited}", detected_at=now - waited)
        alert = {"name": "DiskFull", "fingerprint": "f", "starts_at": "2026-11-20T11:00:00Z"}
        record_alert(incident=incident, is_firing=True, alert=alert, occurred_at=now, actor=commander, now=now)

        said = [block["text"] for block in _sections(incident, commander, now)["detection"]]

        assert said[-1] == f"It was declared {words}."


def test_updates_are_measured_by_the_policy_that_was_in_force(
    declare: Callable[..., Incident],
    tenant: Tenant,
    commander: Actor,
    actor: Callable[..., Actor],
    ana: User,
    now: datetime,
) -> None:
    content = built_in_content()
    content["cadence"] = {"every_minutes": {"SEV1": 5, "SEV2": 7, "SEV3": 45, "SEV4": 60}}
    change_response_policy(
        tenant_id=tenant.id, content=content, reason="Tighter.", seen_version=0, actor=actor(ana), now=now - MINUTE
    )

    said = [block["text"] for block in _sections(declare(), commander, now)["response"]]

    assert "0 updates posted; SEV3 expects one every 45m." in said


def test_the_pdf_is_tagged_and_each_chart_says_in_words_what_it_shows(
    told: Incident, commander: Actor, now: datetime, tmp_path: Path
) -> None:
    window = window_of(incident=told, now=now + timedelta(hours=1))
    measure = Measure(key="errors", label="Error rate", unit=Unit.RATIO, objective=0.01)
    points = [(window.start + window.step * n, 0.002 if n < 60 else 0.05) for n in range(window.moments)]
    drawn = chart_of(
        measure=measure, source="Prometheus", window=window, reading=Reading(points=tuple(points), query="errors")
    )
    lost = missing_chart(
        measure=replace(measure, key="p95", label="Latency"), source="Prometheus", window=window, why="Away."
    )
    drafted = draft_postmortem(incident=told, charts=[drawn, lost], actor=commander, now=now + timedelta(hours=1))
    pdf = render_pdf(
        template=TEMPLATE,
        context=document_context(incident=told, postmortem=drafted, tenant_name="Northwind"),
        created=now,
        identifier="INC-1-postmortem-v1",
        title="Postmortem of INC-1",
    )
    (tmp_path / "postmortem.pdf").write_bytes(pdf)

    structure = poppler("pdfinfo", "-struct-text", tmp_path / "postmortem.pdf")
    text = " ".join(poppler("pdftotext", tmp_path / "postmortem.pdf", "-").split())

    assert "Tagged: yes" in " ".join(poppler("pdfinfo", tmp_path / "postmortem.pdf").split())
    assert structure.count("Figure:") == 2, "the mark on the first page, and the chart that could be drawn"
    assert b"Error rate was 0.2% before the impact and 5% at its highest during it." in _inflated(pdf)
    assert "Error rate from Prometheus, 20 Nov 2026, UTC. Tinted: the impact. Dotted: the objective, 1%." in text
    assert "Latency is missing: Away." in text


def _inflated(pdf: bytes) -> bytes:
    """The streams of a PDF in the clear, where each figure's alternative text stands."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return b"".join(zlib.decompress(each) for each in streams if each[:1] == b"x")


def test_the_window_is_the_impact_that_somebody_stated(told: Incident, now: datetime) -> None:
    window = window_of(incident=told, now=now + timedelta(hours=3))

    assert (window.impact_start, window.impact_end) == (now - 10 * MINUTE, now + 21 * MINUTE)
