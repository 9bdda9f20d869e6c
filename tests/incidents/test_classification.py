"""Severity comes from impact and urgency; four questions are asked; each change is an entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind, Impact, Urgency
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.refusals import ReasonTooShort
from incidents.record.wording import sentence
from incidents.response.policy import policy_in_force

MATRIX = {
    "NONE": ("SEV4", "SEV4", "SEV3"),
    "ONE": ("SEV4", "SEV3", "SEV3"),
    "SOME": ("SEV3", "SEV3", "SEV2"),
    "MOST": ("SEV3", "SEV2", "SEV1"),
    "ALL": ("SEV2", "SEV1", "SEV1"),
}


def test_the_built_in_matrix_has_every_cell_and_never_eases_as_things_get_worse(scope: None) -> None:
    matrix = policy_in_force().content.severity_matrix

    assert {row.value: tuple(matrix[row][each].value for each in Urgency) for row in Impact} == MATRIX
    for row in MATRIX.values():
        assert list(row) == sorted(row, reverse=True)
    for column in zip(*MATRIX.values(), strict=True):
        assert list(column) == sorted(column, reverse=True)


def test_impact_and_urgency_give_the_severity_at_declaration(
    tenant: Tenant, scope: None, commander: Actor, now: datetime
) -> None:
    incident, _ = declare_incident(
        tenant_id=tenant.id,
        title="Payouts stand still",
        impact="MOST",
        urgency="STOPPED",
        answers={"financial_service": "YES", "malicious": "UNKNOWN"},
        actor=commander,
        now=now,
    )

    assert incident.severity == "SEV1"
    assert incident.answers == {"financial_service": "YES", "malicious": "UNKNOWN"}
    declared = TimelineEvent.objects.get(incident=incident, kind=EventKind.DECLARED)
    assert (declared.data["impact"], declared.data["answers"]["malicious"]) == ("MOST", "UNKNOWN")


def test_neither_severity_nor_impact_is_refused(tenant: Tenant, scope: None, commander: Actor, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        declare_incident(
            tenant_id=tenant.id,
            title="x",
            impact="HUGE",
            answers={"colour": "YES", "malicious": "MAYBE"},
            actor=commander,
            now=now,
        )

    assert set(refused.value.fields) == {"severity", "impact", "answers", "malicious"}


def test_a_worse_impact_raises_the_severity_unless_somebody_names_another(
    declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = declare(severity="", impact="ONE", urgency="DEGRADING")
    assert incident.severity == "SEV3"

    classify_incident(incident=incident, impact="ALL", actor=commander, now=now)
    assert incident.severity == "SEV1"

    with pytest.raises(ReasonTooShort):
        classify_incident(incident=incident, impact="SOME", actor=commander, now=now)
    classify_incident(incident=incident, impact="SOME", reason="Only the batch users.", actor=commander, now=now)
    assert incident.severity == "SEV3"
    classify_incident(incident=incident, urgency="STOPPED", severity="SEV1", actor=commander, now=now)
    assert incident.severity == "SEV1"
    told = [sentence(each) for each in TimelineEvent.objects.filter(incident=incident, kind="impact.changed")]
    assert (
        told[0] == "Cora Commander changed the impact from “one customer” to “all customers, data at risk, or safety”"
    )


def test_an_answer_is_an_entry_and_the_same_answer_is_none(incident: Incident, responder: Actor, now: datetime) -> None:
    classify_incident(incident=incident, answers={"personal_data": "UNKNOWN"}, actor=responder, now=now)
    classify_incident(incident=incident, answers={"personal_data": "UNKNOWN"}, actor=responder, now=now)
    classify_incident(
        incident=incident, answers={"personal_data": "YES"}, reason="Names and cards.", actor=responder, now=now
    )

    entries = TimelineEvent.objects.filter(incident=incident, kind=EventKind.QUESTION_ANSWERED).order_by("seq")
    assert [(each.data["from"], each.data["to"]) for each in entries] == [("", "UNKNOWN"), ("UNKNOWN", "YES")]
    assert sentence(entries[1]) == "Ben Responder answered “Is personal data affected?” with yes"
    assert incident.answers == {"personal_data": "YES"}
