"""A postmortem is edited, reviewed, approved by somebody else and published; what was approved never changes."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.engine.models import Run
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.metering.lifecycle import record
from conductor.metering.models import PriceBook
from conductor.tenancy.actors import Actor, PermissionMissing
from incidents.followups.action_items import add_action_item
from incidents.incident.status import reopen_incident
from incidents.integrity.postmortem_digest import content_digest
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.approval import NotApproved, NotInReview, OwnWork, approve_postmortem, publish_postmortem
from incidents.postmortem.draft.passages import read_passages, write_passages
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import NotFinal, PostmortemChanged, SectionUnknown, ask_for_review, edit_section
from incidents.record.metered import ROLE_SECONDS
from incidents.response.roles import assign_role, release_role

BLANK = {"without": ["factors", "helped", "harder", "lessons"], "reason": "A drill of the review itself."}
"""What an approver says who accepts that people have written nothing."""
WORDS = "A config push raised the connection limit. [#1]\n\nNobody was told."


@pytest.fixture
def resolved(at_status: Callable[..., Incident]) -> Incident:
    return at_status("RESOLVED")


@pytest.fixture
def draft(resolved: Incident, now: datetime) -> Postmortem:
    return draft_postmortem(incident=resolved, actor=Actor.system(), now=now)


@pytest.fixture
def ana_commands(ana: User, actor: Callable[..., Actor]) -> Actor:
    """Ana, who may approve and has written nothing."""
    return actor(ana)


def section(postmortem: Postmortem, key: str) -> Any:
    return next(each for each in postmortem.sections if each["key"] == key)


def test_an_edit_is_a_new_version_and_the_old_one_stays(draft: Postmortem, responder: Actor, now: datetime) -> None:
    edited = edit_section(postmortem=draft, key="factors", text=WORDS, actor=responder, now=now)

    assert (draft.version, edited.version) == (1, 2)
    assert section(edited, "factors")["blocks"][0] == {
        "text": "A config push raised the connection limit.",
        "sources": [1],
    }
    unsourced = section(edited, "factors")["blocks"][1]
    entry = TimelineEvent.objects.get(incident=draft.incident, kind=EventKind.POSTMORTEM_EDITED)
    assert (unsourced["by"], unsourced["sources"]) == ("Ben Responder", [entry.seq])
    assert section(Postmortem.objects.get(id=draft.id), "factors") == section(draft, "factors")
    assert edited.content_digest == content_digest(sections=edited.sections, metrics=edited.metrics)
    assert edited.authors == [{"ref": responder.ref, "name": "Ben Responder"}]


def test_the_same_text_changes_nothing(draft: Postmortem, responder: Actor, now: datetime) -> None:
    text = write_passages(section(draft, "timeline")["blocks"])

    assert edit_section(postmortem=draft, key="timeline", text=text, actor=responder, now=now) == draft


def test_two_writers_do_not_overwrite_each_other(
    draft: Postmortem, responder: Actor, commander: Actor, now: datetime
) -> None:
    first = edit_section(postmortem=draft, key="factors", text="First.", actor=responder, now=now)

    with pytest.raises(PostmortemChanged) as refused:
        edit_section(postmortem=draft, key="factors", text="Second.", actor=commander, now=now)

    assert refused.value.newest == first
    assert Postmortem.objects.filter(incident=draft.incident).count() == 2


@pytest.mark.parametrize("text", ["It rests on nothing that was recorded. [#999]", "[#1]", "  "])
def test_a_citation_must_lead_somewhere(draft: Postmortem, responder: Actor, now: datetime, text: str) -> None:
    with pytest.raises(Invalid):
        edit_section(postmortem=draft, key="factors", text=text, actor=responder, now=now)

    with pytest.raises(SectionUnknown):
        edit_section(postmortem=draft, key="blame", text="x", actor=responder, now=now)


def test_a_passage_is_read_as_it_is_written(draft: Postmortem) -> None:
    for each in draft.sections:
        text = write_passages(each["blocks"])
        assert read_passages(text, before=each["blocks"], entry=99, writer="Ben") == each["blocks"]


def test_a_new_draft_keeps_what_people_wrote(draft: Postmortem, responder: Actor, now: datetime) -> None:
    edit_section(postmortem=draft, key="factors", text=WORDS, actor=responder, now=now)

    anew = draft_postmortem(incident=draft.incident, actor=Actor.system(), now=now)

    assert section(anew, "factors")["blocks"][0]["text"] == "A config push raised the connection limit."
    assert anew.authors == [{"ref": responder.ref, "name": "Ben Responder"}]


def test_it_is_approved_by_somebody_else_and_published(
    draft: Postmortem, responder: Actor, commander: Actor, now: datetime
) -> None:
    edited = edit_section(postmortem=draft, key="factors", text=WORDS, actor=responder, now=now)
    with pytest.raises(NotInReview):
        approve_postmortem(postmortem=edited, actor=commander, now=now)
    ask_for_review(postmortem=edited, actor=responder, now=now)
    with pytest.raises(NotApproved):
        publish_postmortem(postmortem=edited, actor=commander, now=now)

    approved = approve_postmortem(
        postmortem=edited, without=["helped", "harder", "lessons"], reason="Short.", actor=commander, now=now
    )
    published = publish_postmortem(postmortem=approved, actor=commander, now=now + timedelta(hours=1))

    assert (published.status, published.approved_by_name) == ("PUBLISHED", "Cora Commander")
    receipt = Receipt.objects.get(action="incidents.postmortem.approved")
    assert receipt.subjects == [{"name": "INC-1-postmortem-v2.json", "digest": edited.content_digest}]
    assert Run.objects.filter(workflow="incidents.postmortem_render", input__postmortem_id=str(edited.id)).count() == 1


def test_nobody_approves_their_own_words(
    draft: Postmortem, commander: Actor, ana_commands: Actor, now: datetime
) -> None:
    edited = edit_section(postmortem=draft, key="lessons", text="We learned.", actor=commander, now=now)
    ask_for_review(postmortem=edited, actor=commander, now=now)

    with pytest.raises(OwnWork):
        approve_postmortem(postmortem=edited, actor=commander, now=now)

    waived = {"without": ["factors", "helped", "harder"], "reason": "The same as last week."}
    approved = approve_postmortem(postmortem=edited, actor=ana_commands, now=now, **waived)
    assert approved.status == "APPROVED"


def test_a_responder_cannot_approve(draft: Postmortem, responder: Actor, now: datetime) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)

    with pytest.raises(PermissionMissing):
        approve_postmortem(postmortem=draft, actor=responder, now=now)


def test_approval_invalidated_by_edit(
    draft: Postmortem, responder: Actor, commander: Actor, ana_commands: Actor, now: datetime
) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)
    approved = approve_postmortem(postmortem=draft, actor=commander, now=now, **BLANK)

    edited = edit_section(postmortem=approved, key="lessons", text="We learned more.", actor=responder, now=now)

    assert (edited.status, edited.approved_at) == ("DRAFT", None)
    entry = TimelineEvent.objects.filter(kind=EventKind.POSTMORTEM_EDITED).latest("seq")
    assert entry.data["approved_version"] == approved.version
    approved.refresh_from_db()
    assert (approved.status, approved.content_digest != edited.content_digest) == ("APPROVED", True)
    with pytest.raises(PostmortemChanged):
        approve_postmortem(postmortem=approved, actor=ana_commands, now=now)


def test_a_draft_of_an_unresolved_incident_is_not_reviewed(
    at_status: Callable[..., Incident], responder: Actor, now: datetime
) -> None:
    early = draft_postmortem(incident=at_status("MITIGATED"), actor=Actor.system(), now=now)

    with pytest.raises(NotFinal):
        ask_for_review(postmortem=early, actor=responder, now=now)


def test_only_the_draft_of_a_resolved_incident_is_final(draft: Postmortem) -> None:
    assert draft.is_final


def test_asking_twice_is_asking_once(draft: Postmortem, responder: Actor, now: datetime) -> None:
    ask_for_review(postmortem=draft, actor=responder, now=now)
    ask_for_review(postmortem=draft, actor=responder, now=now)

    assert TimelineEvent.objects.filter(kind=EventKind.POSTMORTEM_REVIEW_ASKED).count() == 1


def test_the_actions_section_follows_the_items(draft: Postmortem, responder: Actor, now: datetime) -> None:
    item = add_action_item(incident=draft.incident, title="Alert on pool use", type="detect", actor=responder, now=now)

    edited = edit_section(postmortem=draft, key="lessons", text="We learned.", actor=responder, now=now)

    assert f"{item.code} (detect): Alert on pool use" in section(edited, "actions")["blocks"][0]["text"]


def test_cost_frozen_after_approval(
    resolved: Incident, responder: Actor, commander: Actor, cora: User, now: datetime
) -> None:
    """A new price, a reopening and more time in roles change the next draft, and nothing of what was approved."""
    record(
        tenant_id=resolved.tenant_id,
        meter=ROLE_SECONDS,
        quantity=3600,
        subject=resolved.ref,
        key="role:one",
        now=now,
    )
    price = {"meter": ROLE_SECONDS, "currency": "USD"}
    PriceBook.objects.create(unit_price="0.01", valid_from=now, **price)
    draft = draft_postmortem(incident=resolved, actor=Actor.system(), now=now)
    approved = ask_for_review(postmortem=draft, actor=responder, now=now)
    approved = approve_postmortem(postmortem=approved, actor=commander, now=now, **BLANK)
    frozen, digest = section(approved, "cost"), approved.content_digest
    assert "$36." in str(frozen)

    later = now + timedelta(hours=2)
    PriceBook.objects.create(unit_price="0.05", valid_from=later, **price)
    reopen_incident(incident=resolved, reason="It is back since noon.", actor=commander, now=later)
    assign_role(incident=resolved, role="COMMANDER", user=cora, actor=commander, now=later)
    release_role(incident=resolved, role="COMMANDER", actor=commander, now=later + timedelta(hours=1))
    again = draft_postmortem(incident=resolved, actor=Actor.system(), now=later + timedelta(hours=1))

    kept = Postmortem.objects.get(id=approved.id)
    assert section(kept, "cost") == frozen
    assert (
        kept.content_digest
        == digest
        == content_digest(sections=kept.sections, metrics=kept.metrics, charts=kept.charts)
    )
    assert kept.approved_at == now
    assert again.version == approved.version + 1
    assert "$216" in str(section(again, "cost")), "the first hour at a cent, the second at five"


def test_draft_without_any_ai_key(resolved: Incident, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of anybody: no key in the environment, no way out of the machine, and every passage is cited."""
    for name in [each for each in os.environ if each.endswith(("_API_KEY", "_TOKEN"))]:
        monkeypatch.delenv(name)

    def no_way_out(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"the draft went out to {address}")

    # The database's connection is open already; whatever opens another one while drafting fails.
    monkeypatch.setattr(socket.socket, "connect", no_way_out)
    first = draft_postmortem(incident=resolved, actor=Actor.system(), now=now)
    second = draft_postmortem(incident=resolved, actor=Actor.system(), now=now)

    blocks = [each for every in first.sections for each in every["blocks"]]
    known = set(TimelineEvent.objects.filter(incident=resolved).values_list("seq", flat=True))
    assert len(blocks) > len(first.sections) / 2
    assert all(each["sources"] for each in blocks)
    assert all(set(each["sources"]) <= known for each in blocks)
    assert [each["key"] for each in second.sections] == [each["key"] for each in first.sections]
    assert section(second, "impact") == section(first, "impact")
