"""Roles on the incident page: asked, accepted, declined, handed over with a note, given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer
from incidents.response.handovers import hand_over_role
from incidents.response.roles import assign_role, release_role
from tests.incidents.clocks import Clock

Browser = Callable[[User], Client]


@pytest.fixture
def page(incident: Incident) -> str:
    return f"/t/northwind/incidents/INC-{incident.number}/"


@pytest.fixture
def given(incident: Incident, ben: User, commander: Actor, now: Any) -> RoleAssignment:
    """Ben was made scribe and has not answered."""
    return assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)


def test_only_the_person_who_was_asked_sees_the_question(
    given: RoleAssignment, page: str, as_user: Browser, ben: User, cora: User
) -> None:
    asked, other = (as_user(each).get(page).content.decode() for each in (ben, cora))

    assert "You were made scribe." in asked
    assert "You were made scribe." not in other
    assert "Has not accepted yet" in other


def test_accepting_ends_the_question(given: RoleAssignment, page: str, as_user: Browser, ben: User) -> None:
    browser = as_user(ben)

    assert browser.post(f"{page}role/answer/", {"role": "SCRIBE"}).status_code == 302

    given.refresh_from_db()
    assert given.accepted_at is not None
    assert "You were made scribe." not in browser.get(page).content.decode()


def test_declining_needs_a_reason_and_leaves_the_role_vacant(
    given: RoleAssignment, page: str, as_user: Browser, ben: User
) -> None:
    browser = as_user(ben)

    refused = browser.post(f"{page}role/answer/", {"role": "SCRIBE", "answer": "decline"})
    assert refused.status_code == 422
    browser.post(f"{page}role/answer/", {"role": "SCRIBE", "answer": "decline", "reason": "On a plane."})

    given.refresh_from_db()
    assert given.ended_at is not None
    assert TimelineEvent.objects.get(kind=EventKind.ROLE_DECLINED).body == "On a plane."


def test_a_handover_says_all_that_is_missing_and_keeps_what_was_typed(
    given: RoleAssignment, page: str, as_user: Browser, ben: User, cora: User
) -> None:
    browser = as_user(ben)
    assert browser.get(f"{page}role/handover/?role=SCRIBE").status_code == 200

    refused = browser.post(f"{page}role/handover/", {"role": "SCRIBE", "user": "cora", "note": " "})
    assert refused.status_code == 422
    assert "This cannot be empty." in refused.content.decode()
    vacant = browser.post(f"{page}role/handover/", {"role": "DEPUTY", "user": "cora", "note": "All of it"})
    assert vacant.status_code == 409
    assert "All of it" in vacant.content.decode()
    assert browser.get(f"{page}role/handover/?role=KING").status_code == 404

    sent = browser.post(f"{page}role/handover/", {"role": "SCRIBE", "user": "cora", "note": "Minutes are in the doc."})
    assert sent.status_code == 302
    offer = RoleOffer.objects.get()
    assert (offer.user_id, offer.note) == (cora.pk, "Minutes are in the doc.")
    html = as_user(cora).get(page).content.decode()
    assert "offers you the role of scribe." in html
    assert "Minutes are in the doc." in html
    assert "Offered to Cora" in html

    as_user(cora).post(f"{page}role/answer/", {"role": "SCRIBE"})
    assert RoleAssignment.objects.get(role="SCRIBE", ended_at=None).user_id == cora.pk


def test_a_responder_gives_up_their_own_role_and_nobody_elses(
    given: RoleAssignment,
    incident: Incident,
    page: str,
    as_user: Browser,
    ben: User,
    cora: User,
    commander: Actor,
    now: Any,
) -> None:
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    browser = as_user(ben)

    assert browser.post(f"{page}role/release/", {"role": "COMMANDER"}).status_code == 403
    assert browser.post(f"{page}role/release/", {"role": "SCRIBE"}).status_code == 302

    assert set(RoleAssignment.objects.filter(ended_at=None).values_list("role", flat=True)) == {"COMMANDER"}


def test_whoever_is_given_or_offered_a_role_is_asked_by_a_workflow_and_who_takes_one_is_not(
    incident: Incident, ben: User, cora: User, commander: Actor, now: Any
) -> None:
    asked = Run.objects.filter(workflow="incidents.role_asked")
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    assert not asked.exists()
    given = assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    offer = hand_over_role(incident=incident, role="COMMANDER", to=ben, note="Hot.", actor=commander, now=now)

    assert {run.input["asking_id"] for run in asked} == {str(given.id), str(offer.id)}


def test_the_notice_says_who_is_asked_for_what_and_only_while_it_waits(
    committed: None, tenant: Tenant, cora_acts: Actor, clock: Clock, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("incidents.response.announcements.deliver", lambda **message: sent.append(message))
    with tenant_scope(tenant.id):
        incident, _ = declare_incident(
            tenant_id=tenant.id, title="Payouts stuck", severity="SEV2", actor=cora_acts, now=clock.at
        )
        for role in ("SCRIBE", "DEPUTY"):
            assign_role(incident=incident, role=role, user=ben, actor=cora_acts, now=clock.at)
        release_role(incident=incident, role="DEPUTY", actor=cora_acts, now=clock.at)
        runs = list(Run.objects.filter(workflow="incidents.role_asked").order_by("number"))

    ends = [advance(tenant_id=tenant.id, run_id=run.id, worker="w1", now=clock.at) for run in runs]

    assert ends == ["SUCCEEDED", "SUCCEEDED"]
    assert [each["payload"]["title"] for each in sent] == [f"{incident.code}: Ben Responder, can you take scribe?"]
    assert sent[0]["payload"]["url"].endswith(f"/incidents/{incident.code}/")
