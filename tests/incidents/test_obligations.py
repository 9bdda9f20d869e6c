"""Clocks of regulators and contracts: due dates by published vectors, decisions that rest on facts, filings."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conductor.ledger.models import Receipt
from conductor.lib.clock import parse_rfc3339
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.incident.status import resolve_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation, OwnRule
from incidents.record.refusals import GuardsNotMet
from incidents.reporting.calendars import easter, is_working_day
from incidents.reporting.due_dates import due
from incidents.reporting.lifecycle import (
    NotApplicable,
    NothingToDecide,
    assert_reporting_moment,
    decide_obligations,
    file_obligation,
)
from incidents.reporting.own_rules import change_own_rule
from incidents.reporting.rules import COUNSEL, Rule, built_in_rules

VECTORS = json.loads((Path(__file__).parent / "fixtures/obligation_vectors.json").read_text())
RULES = {rule.key: rule for rule in built_in_rules()}
WHY = "Only internal test data was reachable."


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: f"{each['rule']}: {each['name']}")
def test_obligation_vectors(vector: dict[str, Any]) -> None:
    moments = {name: parse_rfc3339(at) for name, at in vector["moments"].items()}

    found = due(RULES[vector["rule"]], moments)

    assert found.at == (parse_rfc3339(vector["due"]) if vector["due"] else None)
    assert found.explanation


def test_there_are_forty_vectors_and_each_rule_has_some() -> None:
    assert len(VECTORS) >= 40
    assert {each["rule"] for each in VECTORS} == set(RULES)


def test_each_rule_names_its_source_and_asks_for_review() -> None:
    assert all(rule.source and rule.review == COUNSEL for rule in RULES.values())
    assert {rule.regime for rule in RULES.values()} == {"GDPR", "NIS2", "DORA", "SEC", "HIPAA"}


def test_holidays_by_rule() -> None:
    assert [easter(year) for year in (2024, 2025, 2026, 2027)] == [
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2026, 4, 5),
        date(2027, 3, 28),
    ]
    closed = [date(2026, 11, 26), date(2026, 5, 25), date(2026, 6, 19), date(2026, 7, 3), date(2026, 10, 12)]
    assert not any(is_working_day(day, "us_federal") for day in closed)
    assert is_working_day(date(2026, 7, 2), "us_federal")


def test_the_explanation_says_every_step() -> None:
    moments = {
        "awareness": datetime(2026, 6, 8, 8, tzinfo=UTC),
        "classification": datetime(2026, 6, 13, 9, tzinfo=UTC),
    }

    assert due(RULES["dora.initial"], moments).explanation == [
        "4 hours after classification at Sat 13 Jun 2026 11:00 CEST is Sat 13 Jun 2026 15:00 CEST.",
        "24 hours after awareness at Mon 08 Jun 2026 10:00 CEST is Tue 09 Jun 2026 10:00 CEST.",
        "That had passed when classification came at Sat 13 Jun 2026 11:00 CEST: it does not count.",
        "Nobody works on Saturday, 13 June 2026: it moves to Mon 15 Jun 2026 12:00 CEST.",
    ]


def test_an_answer_arms_what_hangs_on_it_also_when_it_is_not_known(
    declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = declare(answers={"personal_data": "UNKNOWN"})
    keys = set(Obligation.objects.filter(incident=incident).values_list("rule_key", flat=True))
    assert keys == {"gdpr.authority", "hipaa.individuals"}

    classify_incident(incident=incident, answers={"essential_service": "YES"}, actor=commander, now=now)
    classify_incident(incident=incident, answers={"financial_service": "NO"}, actor=commander, now=now)

    keys = set(Obligation.objects.filter(incident=incident).values_list("rule_key", flat=True))
    assert {key.partition(".")[0] for key in keys} == {"gdpr", "hipaa", "nis2"}


def test_a_clock_starts_with_a_decision_and_its_stages_follow_the_filings(
    declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = declare(answers={"essential_service": "YES"})
    decide_obligations(
        incident=incident, regime="NIS2", applies=True, reason="We run a hospital's network.", actor=commander, now=now
    )
    assert obligation(incident, "nis2.notification").due_at is None

    assert_reporting_moment(
        incident=incident,
        key="awareness",
        at=now - timedelta(hours=1),
        reason="The lead said so.",
        actor=commander,
        now=now,
    )
    stage = obligation(incident, "nis2.notification")
    assert stage.due_at == now + timedelta(hours=71)
    assert obligation(incident, "nis2.final").due_at is None
    late = stage.due_at + timedelta(minutes=1)
    with pytest.raises(Invalid):
        file(stage, late, commander)
    filed = file(stage, late, commander, late_reason="Their portal was down.")

    assert (filed.state, filed.filing_reference, len(filed.filing_digest)) == ("FILED", "CASE-9", 64)
    assert obligation(incident, "nis2.final").due_at is not None
    receipt = Receipt.objects.get(action="incidents.obligation.filed")
    assert receipt.body["digest"] == filed.filing_digest
    assert file(stage, late, commander).filed_at == late


def test_not_applicable_reopens_on_fact_change(
    declare: Callable[..., Incident], commander: Actor, now: datetime
) -> None:
    incident = declare(answers={"personal_data": "UNKNOWN"})
    decide_obligations(incident=incident, regime="GDPR", applies=False, reason=WHY, actor=commander, now=now)
    decided = obligation(incident, "gdpr.authority")
    assert (decided.state, decided.decided_by, decided.decision_reason) == ("NOT_APPLICABLE", commander.ref, WHY)
    assert decided.decision_facts == {"personal_data": "UNKNOWN", "severity": "SEV3", "impact": ""}

    classify_incident(incident=incident, answers={"malicious": "YES"}, actor=commander, now=now)
    assert obligation(incident, "gdpr.authority").state == "NOT_APPLICABLE"
    classify_incident(incident=incident, answers={"personal_data": "YES"}, actor=commander, now=now)

    assert obligation(incident, "gdpr.authority").state == "ASSESSING"
    entry = TimelineEvent.objects.get(incident=incident, kind=EventKind.OBLIGATION_REOPENED)
    assert entry.data["changed"] == ["personal_data"]
    signed = Receipt.objects.get(action="incidents.obligation.decided")
    assert (signed.body["applies"], signed.body["facts"]["personal_data"]) == (False, "UNKNOWN")


def test_resolving_waits_for_the_decision(at_status: Callable[..., Incident], commander: Actor, now: datetime) -> None:
    incident = at_status("MITIGATED", answers={"personal_data": "YES"})
    with pytest.raises(GuardsNotMet) as refused:
        resolve_incident(incident=incident, actor=commander, now=now)
    assert "GDPR, HIPAA" in refused.value.fields["reporting_decided"][0]
    for regime in ("GDPR", "HIPAA"):
        decide_obligations(incident=incident, regime=regime, applies=False, reason=WHY, actor=commander, now=now)

    assert resolve_incident(incident=incident, actor=commander, now=now).status == "RESOLVED"


def test_who_may_respond_may_not_sign(
    declare: Callable[..., Incident], responder: Actor, commander: Actor, now: datetime
) -> None:
    incident = declare(answers={"personal_data": "YES"})
    with pytest.raises(PermissionMissing):
        decide_obligations(incident=incident, regime="GDPR", applies=False, reason=WHY, actor=responder, now=now)
    with pytest.raises(Invalid):
        decide_obligations(incident=incident, regime="GDPR", applies=False, reason="no", actor=commander, now=now)
    with pytest.raises(NothingToDecide):
        decide_obligations(incident=incident, regime="NIS2", applies=False, reason=WHY, actor=commander, now=now)
    with pytest.raises(NotApplicable):
        file(obligation(incident, "gdpr.authority"), now, commander)


def test_a_contract_is_a_rule_of_the_tenants_own(
    tenant: Tenant, scope: None, declare: Callable[..., Incident], ana: Any, actor: Any, now: datetime
) -> None:
    admin = actor(ana)
    content = {
        "key": "contract.acme",
        "regime": "Contract Acme",
        "title": "Tell Acme",
        "recipient": "security@acme.example",
        "limits": [{"after": "declaration", "count": 2, "unit": "working_days"}],
        "zone": "Europe/Berlin",
        "armed_at_severity": ["SEV1", "SEV2"],
        "source": "Data processing agreement of 2025-11-03, section 7",
    }
    with pytest.raises(Invalid) as refused:
        change_own_rule(
            tenant_id=tenant.id, content={**content, "zone": "Mars", "limits": []}, reason="", actor=admin, now=now
        )
    assert {"zone", "limits", "reason"} <= set(refused.value.fields)
    change_own_rule(tenant_id=tenant.id, content=content, reason="Signed.", actor=admin, now=now)

    incident = declare(severity="SEV2", now=datetime(2026, 6, 5, 10, tzinfo=UTC))
    decide_obligations(
        incident=incident, regime="Contract Acme", applies=True, reason="They are hit.", actor=admin, now=now
    )

    assert obligation(incident, "contract.acme").due_at == datetime(2026, 6, 9, 21, 59, 59, tzinfo=UTC)
    change_own_rule(tenant_id=tenant.id, content=content, reason="Ended.", is_active=False, actor=admin, now=now)
    assert not Obligation.objects.filter(incident=declare(severity="SEV1"), rule_key="contract.acme").exists()
    assert OwnRule.objects.count() == 2
    assert Rule.model_validate(obligation(incident, "contract.acme").rule).title == "Tell Acme"


def obligation(incident: Incident, key: str) -> Obligation:
    return Obligation.objects.get(incident=incident, rule_key=key)


def file(stage: Obligation, at: datetime, actor: Actor, **more: str) -> Obligation:
    return file_obligation(
        obligation=stage, submitted=b"%PDF the report", reference="CASE-9", filed_at=at, actor=actor, now=at, **more
    )
