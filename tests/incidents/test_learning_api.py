"""Postmortem reviews and action items through the API: the same verbs, refused in the same way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.lifecycle import draft_postmortem
from tests.evidence.calling import caller

ITEM = {"title": "Cap the pool", "type": "PREVENT", "due_date": "2026-12-15"}


@pytest.fixture
def call(tenant: Tenant) -> Callable[..., Any]:
    return caller(tenant)


@pytest.fixture
def draft(at_status: Callable[..., Incident], now: datetime) -> Postmortem:
    return draft_postmortem(incident=at_status("RESOLVED"), actor=Actor.system(), now=now)


def test_a_postmortem_is_edited_reviewed_and_published(call: Any, draft: Postmortem, ben: User, cora: User) -> None:
    path = f"/incidents/{draft.incident.number}/postmortem"

    edited = call("put", f"{path}/sections/factors", user=ben, body={"version": 1, "text": "A config push. [#1]"})
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    stale = call("put", f"{path}/sections/factors", user=ben, body={"version": 1, "text": "Later."})
    assert (stale.status_code, stale.json()["code"]) == (409, "postmortem_changed")
    assert call("post", f"{path}/review", user=ben, body={"version": 2}).json()["status"] == "IN_REVIEW"
    assert call("post", f"{path}/approval", user=ben, body={"version": 2}).status_code == 403
    refused = call("post", f"{path}/approval", user=cora, body={"version": 2})
    assert (refused.status_code, refused.json()["code"]) == (422, "postmortem_sections_blank")
    waiver = {"without": ["helped", "harder", "lessons"], "reason": "One cause, mended."}
    approved = call("post", f"{path}/approval", user=cora, body={"version": 2, **waiver}).json()
    assert (approved["approved_by_name"], approved["waived"]) == ("Cora Commander", waiver["without"])
    published = call("post", f"{path}/publication", user=cora, body={"version": 2}).json()
    assert (published["status"], published["is_final"]) == ("PUBLISHED", True)


@pytest.mark.fault("console-F10")
def test_a_postmortem_is_sent_back_with_what_is_to_be_changed(
    call: Any, draft: Postmortem, ben: User, cora: User
) -> None:
    path = f"/incidents/{draft.incident.number}/postmortem"
    call("post", f"{path}/review", user=ben, body={"version": 1})

    assert call("post", f"{path}/changes", user=ben, body={"version": 1, "comment": "More."}).status_code == 403
    assert call("post", f"{path}/changes", user=cora, body={"version": 1, "comment": " "}).status_code == 422
    sent = call("post", f"{path}/changes", user=cora, body={"version": 1, "comment": "Say what the cause was."}).json()

    assert (sent["status"], sent["changes_asked_by"], sent["changes_comment"]) == (
        "CHANGES", "Cora Commander", "Say what the cause was.",
    )  # fmt: skip
    assert call("post", f"{path}/approval", user=cora, body={"version": 1}).json()["code"] == "postmortem_not_in_review"


def test_an_action_item_lives_through_the_api(call: Any, incident: Incident, ben: User, cleo: User) -> None:
    path = f"/incidents/{incident.number}/action-items"

    made = call("post", path, user=ben, body={**ITEM, "owner": "ben"})
    assert (made.status_code, made.json()["code"], made.json()["owner_name"]) == (201, "A-1", "Ben Responder")
    assert call("get", "/incidents/action-items", user=cleo).json()["total"] == 1
    assert call("post", path, user=cleo, body=ITEM).status_code == 403
    change = {**ITEM, "title": "Cap the pool at 80", "version": 1, "ticket": "OPS-4", "ticket_url": "https://t.test/4"}
    assert call("put", "/incidents/action-items/1", user=ben, body=change).json()["ticket"] == "OPS-4"
    assert call("put", "/incidents/action-items/1", user=ben, body={**change, "title": "x"}).status_code == 409
    closed = call("post", "/incidents/action-items/1/closure", user=ben, body={"note": ""}).json()
    assert (closed["status"], closed["effect"]) == ("DONE", "UNVERIFIED")
    verified = call("post", "/incidents/action-items/1/verification", user=ben, body={"note": "Load test."}).json()
    assert verified["effect"] == "VERIFIED"
    assert call("get", "/incidents/action-items", user=ben).json()["items"] == []
    assert (
        call("post", "/incidents/action-items/1/reopening", user=ben, body={"note": "Again."}).json()["status"]
        == "OPEN"
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"type": "BLAME"}, "type"), ({"owner": "nobody"}, "owner"), ({"due_date": "soon"}, "due_date")],
)
def test_what_is_wrong_is_named(call: Any, incident: Incident, ben: User, wrong: dict[str, str], field: str) -> None:
    answer = call("post", f"/incidents/{incident.number}/action-items", user=ben, body={**ITEM, **wrong})

    assert answer.status_code == 422, answer.json()
    assert field in json.dumps(answer.json())
    assert ActionItem.objects.count() == 0


def test_what_is_not_there_is_not_found(call: Any, incident: Incident, ben: User, tenant: Tenant) -> None:
    assert call("get", "/incidents/action-items/77", user=ben).status_code == 404
    assert (
        call("post", f"/incidents/{incident.number}/postmortem/review", user=ben, body={"version": 3}).status_code
        == 404
    )
