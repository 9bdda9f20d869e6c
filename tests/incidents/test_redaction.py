"""Redacting takes two people: the second approves or refuses, the first may withdraw, and each answer is final."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connections, transaction
from django.test import Client

from conductor.ledger.models import Receipt
from conductor.lib.errors import Conflict, Invalid
from conductor.policy.decisions import PolicyDenied
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor, PermissionMissing, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.chain import verify, verify_against
from incidents.record.wording import sentence
from incidents.timeline.lifecycle import post_update
from incidents.timeline.redactions import (
    ApproverIsRequester,
    NotTheRequester,
    RedactedAlready,
    RedactionAnswered,
    approve_redaction,
    refuse_redaction,
    request_redaction,
    withdraw_redaction,
)
from tests.evidence.calling import caller

Browser = Callable[[User], Client]
WHY = "The card was a test card of ours."


@pytest.fixture
def said(incident: Incident, responder: Actor, now: datetime) -> TimelineEvent:
    return post_update(incident=incident, text="Card 4111 fails.", actor=responder, now=now)


@pytest.fixture
def asked(said: TimelineEvent, responder: Actor, now: datetime) -> Redaction:
    """Ben asks for it."""
    return request_redaction(event=said, reason="A card.", legal_basis="PCI DSS", actor=responder, now=now)


def last(incident: Incident) -> TimelineEvent:
    return TimelineEvent.objects.filter(incident=incident).latest("seq")


def test_a_refusal_keeps_the_words_and_says_why(
    incident: Incident, said: TimelineEvent, asked: Redaction, commander: Actor, now: datetime
) -> None:
    refused = refuse_redaction(redaction=asked, reason=WHY, actor=commander, now=now)
    refuse_redaction(redaction=asked, reason="Again.", actor=commander, now=now)

    assert (refused.state, refused.answered_by, refused.answer_reason) == ("REFUSED", commander.ref, WHY)
    said.refresh_from_db()
    assert said.body == "Card 4111 fails."
    entry = last(incident)
    assert (entry.kind, entry.body) == (EventKind.REDACTION_REFUSED, WHY)
    assert sentence(entry) == f"Cora Commander refused to redact entry {said.seq}, which Ben Responder had asked for"
    assert TimelineEvent.objects.filter(kind=EventKind.REDACTION_REFUSED).count() == 1
    receipt = Receipt.objects.get(id=entry.receipt_id)
    decision = PolicyDecision.objects.get(action="incidents.redact")
    assert receipt.action == "incidents.entry.redaction_refused"
    assert receipt.body["decision"]["ref"] == decision.ref
    assert (decision.allow, decision.input["resource"]["approve"]) == (True, False)
    assert WHY not in str(receipt.body)


def test_an_approval_cites_the_decision_that_allowed_it(
    incident: Incident, asked: Redaction, commander: Actor, now: datetime
) -> None:
    approve_redaction(redaction=asked, actor=commander, now=now)

    decision = PolicyDecision.objects.get(action="incidents.redact")
    receipt = Receipt.objects.get(id=last(incident).receipt_id)
    assert receipt.body["decision"]["ref"] == decision.ref
    assert decision.input["context"]["four_eyes"] == {
        "required": True,
        "requested_by": asked.requested_by,
        "approved_by": commander.ref,
    }


def test_whoever_asked_withdraws_and_nobody_else(
    incident: Incident, said: TimelineEvent, asked: Redaction, responder: Actor, commander: Actor, now: datetime
) -> None:
    with pytest.raises(NotTheRequester):
        withdraw_redaction(redaction=asked, actor=commander, now=now)

    withdrawn = withdraw_redaction(redaction=asked, reason="Wrong entry.", actor=responder, now=now)
    withdraw_redaction(redaction=asked, actor=responder, now=now)

    assert (withdrawn.state, withdrawn.answer_reason) == ("WITHDRAWN", "Wrong entry.")
    entry = last(incident)
    assert (entry.kind, entry.body) == (EventKind.REDACTION_WITHDRAWN, "Wrong entry.")
    assert sentence(entry) == f"Ben Responder withdrew the request to redact entry {said.seq}"
    assert Receipt.objects.get(id=entry.receipt_id).action == "incidents.entry.redaction_withdrawn"
    with pytest.raises(RedactionAnswered, match=r"withdrawn by Ben Responder\. Ask again"):
        approve_redaction(redaction=asked, actor=commander, now=now)
    said.refresh_from_db()
    assert said.body


def test_after_a_refusal_the_entry_may_be_asked_about_again(
    incident: Incident, said: TimelineEvent, asked: Redaction, responder: Actor, commander: Actor, now: datetime
) -> None:
    with pytest.raises(RedactedAlready):
        request_redaction(event=said, reason="r", legal_basis="b", actor=responder, now=now)
    refuse_redaction(redaction=asked, reason=WHY, actor=commander, now=now)

    again = request_redaction(event=said, reason="A real card.", legal_basis="PCI DSS", actor=responder, now=now)
    approve_redaction(redaction=again, actor=commander, now=now)

    entries = list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))
    receipts = Receipt.objects.filter(subject=incident.ref)
    vouched = [entry for receipt in receipts for entry in receipt.body.get("entries", [])]
    assert (verify(entries), verify_against(entries, vouched)) == ([], [])
    assert entries[1].body == ""
    with pytest.raises(RedactedAlready):
        request_redaction(event=said, reason="r", legal_basis="b", actor=responder, now=now)


def test_who_may_not_refuse(asked: Redaction, responder: Actor, commander: Actor, cora: User, now: datetime) -> None:
    with pytest.raises(PermissionMissing):
        refuse_redaction(redaction=asked, reason=WHY, actor=responder, now=now)
    with pytest.raises(Invalid) as empty:
        refuse_redaction(redaction=asked, reason=" ", actor=commander, now=now)
    assert empty.value.fields == {"reason": ["This cannot be empty."]}
    withdraw_redaction(redaction=asked, actor=responder, now=now)
    own = request_redaction(event=asked.event, reason="r", legal_basis="b", actor=commander, now=now)
    for answer in (
        lambda: refuse_redaction(redaction=own, reason=WHY, actor=commander, now=now),
        lambda: approve_redaction(redaction=own, actor=commander, now=now),
    ):
        with pytest.raises(ApproverIsRequester):
            answer()
    assert not PolicyDecision.objects.filter(action="incidents.redact").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"state": "WITHDRAWN", "answered_by": "tenancy.user:0"},
        {"state": "REFUSED", "answered_by": "asker"},
        {"state": "APPROVED", "answered_by": "tenancy.user:0", "answered_at": None},
        {"state": "REFUSED", "answered_by": "tenancy.user:0", "answered_at": None},
        {"state": "FORGOTTEN", "answered_by": "tenancy.user:0"},
    ],
)
def test_the_database_knows_who_may_answer(asked: Redaction, now: datetime, change: dict[str, Any]) -> None:
    told = {"answered_at": now, **change}
    told["answered_by"] = asked.requested_by if told["answered_by"] == "asker" else told["answered_by"]
    with pytest.raises(DatabaseError), transaction.atomic():
        Redaction.objects.filter(id=asked.id).update(**told)


def test_no_answer_changes_in_the_database(asked: Redaction, commander: Actor, now: datetime) -> None:
    refuse_redaction(redaction=asked, reason=WHY, actor=commander, now=now)

    for change in (
        lambda: Redaction.objects.update(answer_reason="Another one."),
        lambda: Redaction.objects.update(state="WAITING", answered_at=None),
        lambda: Redaction.objects.update(state="APPROVED"),
        lambda: Redaction.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    # Beside a refused request the words themselves cannot be dropped either.
    with pytest.raises(DatabaseError), transaction.atomic():
        TimelineEvent.objects.filter(id=asked.event_id).update(body="", body_salt="", redacted_at=now)


def test_what_policy_denies_is_on_record_and_changes_nothing(asked: Redaction, commander: Actor, now: datetime) -> None:
    """A commander who comes through a channel that no rule knows."""
    stranger = replace(commander, channel="telegraph")
    with pytest.raises(PolicyDenied):
        approve_redaction(redaction=asked, actor=stranger, now=now)

    asked.refresh_from_db()
    assert asked.state == "WAITING"
    assert PolicyDecision.objects.get(action="incidents.redact").allow is False


def test_of_approval_and_refusal_at_once_one_counts(
    committed: None, tenant: Tenant, ana: User, ben: User, cora: User, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        actors = {user: actor_for_user(user=user, tenant=tenant, channel="console") for user in (ana, ben, cora)}
        incident, _ = declare_incident(tenant_id=tenant.id, title="x", severity="SEV3", actor=Actor.system(), now=now)
        event = post_update(incident=incident, text="Card 4111 fails.", actor=actors[ben], now=now)
        asked = request_redaction(event=event, reason="r", legal_basis="b", actor=actors[ben], now=now)
    start, outcomes = threading.Barrier(3), []

    def answer(act: Callable[[Redaction], object]) -> None:
        try:
            with tenant_scope(tenant.id):
                seen = Redaction.objects.select_related("event__incident").get(id=asked.id)
                start.wait(timeout=30)
                act(seen)
                outcomes.append("done")
        except Conflict as late:
            outcomes.append(late.code)
        finally:
            connections.close_all()

    acts = [
        lambda seen: approve_redaction(redaction=seen, actor=actors[ana], now=now),
        lambda seen: refuse_redaction(redaction=seen, reason=WHY, actor=actors[cora], now=now),
        lambda seen: withdraw_redaction(redaction=seen, actor=actors[ben], now=now),
    ]
    threads = [threading.Thread(target=answer, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done", "redaction_answered", "redaction_answered"]
    with tenant_scope(tenant.id):
        entries = list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))
        assert verify(entries) == []
        answers = {EventKind.ENTRY_REDACTED, EventKind.REDACTION_REFUSED, EventKind.REDACTION_WITHDRAWN}
        assert len([each for each in entries if each.kind in answers]) == 1
        is_dropped = Redaction.objects.get().state == "APPROVED"
        assert (entries[1].body == "") is is_dropped


def test_the_page_refuses_withdraws_and_keeps_what_was_said(
    said: TimelineEvent, asked: Redaction, incident: Incident, as_user: Browser, ben: User, cora: User, cleo: User
) -> None:
    address = f"/t/northwind/incidents/INC-{incident.number}/entries/{said.seq}/"
    mine, hers = as_user(ben), as_user(cora)
    shown = mine.get(address).content.decode()
    assert "Withdraw" in shown
    assert "Refuse" not in shown

    late = hers.post(address, {"act": "withdraw"})
    assert (late.status_code, "Only the person who asked" in late.content.decode()) == (409, True)
    empty = hers.post(address, {"act": "refuse", "reason": ""})
    assert (empty.status_code, "This cannot be empty." in empty.content.decode()) == (422, True)
    assert mine.post(address, {"act": "refuse", "reason": WHY}).status_code == 403
    assert as_user(cleo).post(address, {"act": "refuse", "reason": WHY}).status_code == 403
    assert hers.post(address, {"act": "refuse", "reason": WHY}).status_code == 302

    html = mine.get(address).content.decode()
    assert "Requests that dropped nothing" in html
    assert WHY in html
    assert "Ask for redaction" in html
    again = hers.post(address, {"act": "approve"})
    assert (again.status_code, "was refused by Cora Commander" in again.content.decode()) == (409, True)
    waiting = mine.get(f"/t/northwind/incidents/INC-{incident.number}/").content.decode()
    assert "waits for a second person" not in waiting


def test_entries_are_corrected_and_redacted_through_the_api(
    tenant: Tenant, incident: Incident, said: TimelineEvent, ana: User, ben: User, cora: User, cleo: User
) -> None:
    call: Any = caller(tenant)
    entry = f"/incidents/{incident.number}/timeline/{said.seq}"

    corrected = call("post", f"{entry}/correction", user=ben, body={"text": "A card fails.", "reason": "No numbers."})
    assert (corrected.status_code, corrected.json()["kind"]) == (201, "entry.corrected")
    assert call("post", f"{entry}/redaction/refusal", user=cora, body={"reason": WHY}).status_code == 404
    wish = {"reason": "A card.", "legal_basis": "PCI DSS"}
    assert call("post", f"{entry}/redaction", user=ben, body={**wish, "legal_basis": ""}).status_code == 422
    assert call("post", f"{entry}/redaction", user=ben, body=wish).json()["state"] == "WAITING"
    assert call("post", f"{entry}/redaction", user=cora, body=wish).json()["code"] == "entry_redacted_already"
    refused = call("post", f"{entry}/redaction/refusal", user=cora, body={"reason": WHY}).json()
    assert (refused["state"], refused["answered_by_name"]) == ("REFUSED", "Cora Commander")
    call("post", f"{entry}/redaction", user=cora, body=wish)
    own = call("post", f"{entry}/redaction/approval", user=cora)
    assert (own.status_code, own.json()["code"]) == (409, "redaction_needs_another_person")
    assert call("post", f"{entry}/redaction/withdrawal", user=cora, body={}).json()["state"] == "WITHDRAWN"
    call("post", f"{entry}/redaction", user=ben, body=wish)
    assert call("post", f"{entry}/redaction/approval", user=ana).json()["state"] == "APPROVED"

    found = call("get", entry, user=cleo).json()
    assert (found["entry"]["body"], found["corrected_by"]) == ("", corrected.json()["seq"])
    assert [each["state"] for each in found["redactions"]] == ["APPROVED", "WITHDRAWN", "REFUSED"]


def test_another_tenant_neither_sees_nor_answers_it(
    max_: User, other_tenant: Tenant, asked: Redaction, incident: Incident, actor: Callable[..., Actor], now: datetime
) -> None:
    call: Any = caller(other_tenant)
    path = f"/incidents/{incident.number}/timeline/{asked.event.seq}/redaction/refusal"

    assert call("post", path, user=max_, body={"reason": WHY}).status_code == 404
    with tenant_scope(other_tenant.id):
        assert not Redaction.objects.exists()
        with pytest.raises(Redaction.DoesNotExist):
            refuse_redaction(redaction=asked, reason=WHY, actor=actor(max_, of=other_tenant), now=now)
    asked.refresh_from_db()
    assert asked.state == "WAITING"
