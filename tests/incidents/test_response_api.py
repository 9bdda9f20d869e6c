"""The response through the API: roles that are accepted and handed over, updates, notes, decisions, milestones."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models as columns

from conductor.tenancy.models import Tenant
from incidents import models
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record import schemas
from tests.evidence.calling import caller

PAIRS = [
    (schemas.IncidentSeverity, models.Severity),
    (schemas.IncidentStatus, models.Status),
    (schemas.IncidentClosure, models.Closure),
    (schemas.IncidentKind, models.Kind),
    (schemas.IncidentRole, models.Role),
    (schemas.UpdateAudience, models.Audience),
    (schemas.MilestoneName, models.MilestoneKey),
]


@pytest.fixture
def call(tenant: Tenant) -> Callable[..., Any]:
    return caller(tenant)


@pytest.mark.parametrize(("told", "stored"), PAIRS)
def test_the_api_knows_every_word_that_can_be_stored(told: type[Enum], stored: type[columns.TextChoices]) -> None:
    """A word that the API does not know would answer 500 wherever it is stored."""
    assert [each.value for each in told] == stored.values


def test_every_role_is_given_accepted_and_handed_over(
    call: Any, incident: Incident, ben: User, cora: User, cleo: User
) -> None:
    path = f"/incidents/{incident.number}/roles"
    slots = call("get", path, user=cleo).json()
    assert [slot["role"] for slot in slots] == models.Role.values
    assert {slot["name"] for slot in slots} == {""}

    given = call("post", path, user=cora, body={"role": "PRIVACY", "user": "ben"}).json()
    assert [(each["name"], each["is_accepted"]) for each in given if each["role"] == "PRIVACY"] == [
        ("Ben Responder", False)
    ]
    nothing = call("post", f"{path}/PRIVACY/answer", user=cora, body={"accept": True})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "role_not_offered")
    assert call("post", f"{path}/PRIVACY/answer", user=ben, body={"accept": False}).status_code == 422
    call("post", f"{path}/PRIVACY/answer", user=ben, body={"accept": True})
    handed = {"user": "cora", "note": "The authority has been called."}
    offered = call("post", f"{path}/PRIVACY/handover", user=ben, body=handed).json()
    assert [(each["name"], each["offered_to"]) for each in offered if each["role"] == "PRIVACY"] == [
        ("Ben Responder", "Cora Commander")
    ]
    taken = call("post", f"{path}/PRIVACY/answer", user=cora, body={"accept": True}).json()
    assert [(each["name"], each["is_accepted"], each["offered_to"]) for each in taken if each["name"]] == [
        ("Cora Commander", True, None)
    ]
    assert call("delete", f"{path}/PRIVACY", user=cora).json()[-1]["name"] == ""


def test_updates_notes_and_decisions_say_all_that_the_console_says(
    call: Any, incident: Incident, ben: User, cora: User
) -> None:
    path = f"/incidents/{incident.number}"
    wish = {"text": "Cards work again.", "audience": "CUSTOMER", "next_update_minutes": 30}
    update = call("post", f"{path}/updates", user=ben, body=wish).json()
    assert update["data"]["audience"] == "CUSTOMER"
    assert "next_at" in update["data"]
    assert call("post", f"{path}/updates", user=ben, body={**wish, "next_update_minutes": 0}).status_code == 422

    note = call("post", f"{path}/notes", user=ben, body={"text": "Saw it.", "occurred_at": "2026-11-20T09:41:00Z"})
    assert note.json()["occurred_at"] == "2026-11-20T09:41:00Z"
    assert call("post", f"{path}/notes", user=ben, body={"text": "?", "occurred_at": "2099-01-01T00:00:00Z"}).json()[
        "fields"
    ] == {"occurred_at": ["This has not happened yet."]}

    decided = {"text": "We do not fail over.", "why": "The replica lags.", "negative": True, "agreed_by": ["ben"]}
    entry = call("post", f"{path}/decisions", user=cora, body=decided).json()
    assert entry["sentence"] == "Decision not to by Cora Commander, agreed by Ben Responder"
    assert entry["data"]["why"] == "The replica lags."


def test_milestones_are_asserted_and_corrected(call: Any, incident: Incident, ben: User, cleo: User) -> None:
    path = f"/incidents/{incident.number}/milestones"

    made = call("post", f"{path}/impact_started", user=ben, body={"at": "2026-11-20T09:41:00Z"})
    assert (made.status_code, made.json()["asserted_by_name"]) == (201, "Ben Responder")
    again = {"at": "2026-11-20T09:35:00Z"}
    assert "reason" in call("post", f"{path}/impact_started", user=ben, body=again).json()["fields"]
    call("post", f"{path}/impact_started", user=ben, body={**again, "reason": "The graph."})

    said = call("get", path, user=cleo).json()
    assert [each["at"] for each in said] == ["2026-11-20T09:35:00Z", "2026-11-20T09:41:00Z"]
    assert call("post", f"{path}/lunch", user=ben, body=again).status_code == 422
    assert call("post", f"{path}/detected", user=cleo, body=again).status_code == 403
    assert TimelineEvent.objects.filter(incident=incident, kind="milestone.set").count() == 2
