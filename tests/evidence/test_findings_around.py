"""What evidence says of controls around an incident, and how the postmortem's draft tells it with its sources."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import RESTORE_VERIFICATION, bind_workflow, unbind_workflow
from controls.selectors import control_by_id
from evidence.bundles.naming import INCIDENT_BUNDLE
from evidence.coverage.around_incidents import findings_around
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.postmortem.draft.evidence import statement
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.timeline.lifecycle import record_link
from tests.evidence.bundles import FAILED, PASSED, UNCHECKED, collecting, sealed

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]
DAY = timedelta(days=1)


@pytest.fixture
def cora_acts(actor: Make, cora: User) -> Actor:
    return actor(cora)


@pytest.fixture
def bind(tenant: Tenant, cora_acts: Actor, now: datetime) -> Callable[..., Any]:
    """`bind("SOC2_A1.2")`: bound to the restore verification a year ago, every 90 days."""

    def make(alias: str, workflow: str = RESTORE_VERIFICATION, **given: Any) -> Any:
        asked = {"part": "PRIMARY", "frequency_days": 90, "actor": cora_acts, "now": now - 365 * DAY, **given}
        return bind_workflow(tenant_id=tenant.id, control=control_by_id(alias), workflow=workflow, **asked)

    return make


@pytest.fixture
def incident(tenant: Tenant, cora_acts: Actor, now: datetime) -> Incident:
    production = Environment.objects.get(slug="production")
    found, _new = declare_incident(
        tenant_id=tenant.id, title="Disk full", severity="SEV3", environment=production, actor=cora_acts, now=now
    )
    return found


def _states(incident: Incident, now: datetime) -> list[tuple[str, list[str]]]:
    return [
        (finding["state"], [code for each in finding["controls"] for code in each["codes"]])
        for finding in findings_around(incident, now)
    ]


def test_each_control_has_one_state(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    for alias in ("SOC2_A1.2", "SOC2_A1.3", "SOC2_CC7.5", "SOC2_CC9.1", "SOC2_PI1.5"):
        bind(alias)
    for aliases, days, findings in (
        (["SOC2_A1.2"], 3, [PASSED]),
        (["SOC2_A1.3"], 3, [PASSED, FAILED]),
        (["SOC2_CC7.5"], 91, [PASSED]),
    ):
        moment = now - days * DAY
        sealed(tenant, cora_acts, moment, control_ids=aliases, findings=findings, effective_from=moment - DAY)
    collecting(tenant, cora_acts, now, control_ids=["SOC2_CC9.1"])

    assert sorted(_states(incident, now)) == [
        ("failed", ["A1.3"]),
        ("missing", ["CC9.1", "PI1.5"]),
        ("passed", ["A1.2"]),
        ("stale", ["CC7.5"]),
    ]


def test_only_what_was_known_and_bound_at_the_time_counts(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    """Evidence of a period after the end, and bindings that ended before or began after, are of another time."""
    bind("SOC2_A1.2")
    unbind_workflow(binding=bind("SOC2_A1.3"), actor=cora_acts, reason="Not ours.", now=now - DAY)
    bind("SOC2_CC7.5", now=now + 2 * DAY)
    Incident.objects.filter(id=incident.id).update(resolved_at=now + timedelta(hours=1), status="RESOLVED")
    incident.refresh_from_db()
    sealed(tenant, cora_acts, now + 3 * DAY, control_ids=["SOC2_A1.2"], effective_from=now + 2 * DAY)

    assert _states(incident, now + 4 * DAY) == [("missing", ["A1.2"])]


def test_another_environments_evidence_and_other_incidents_bundles_are_not_told(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    bind("SOC2_A1.2")
    staging = Environment.objects.get(slug="staging")
    secret, _new = declare_incident(
        tenant_id=tenant.id, title="Secret", severity="SEV3", visibility="PRIVATE", actor=cora_acts, now=now
    )
    sealed(tenant, cora_acts, now, environment=staging)
    sealed(tenant, cora_acts, now, title="Response to Secret", incident=secret)

    assert _states(incident, now) == [("missing", ["A1.2"])]


def test_its_own_evidence_is_awaited_then_collected_then_sealed(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    bind("SOC2_CC7.4", INCIDENT_BUNDLE)
    assert _states(incident, now) == [("awaited", ["CC7.4"])]

    collecting(tenant, cora_acts, now, control_ids=["SOC2_CC7.4"], incident=incident)
    assert _states(incident, now) == [("unsealed", ["CC7.4"])]

    sealed(tenant, cora_acts, now, control_ids=["SOC2_CC7.4"], incident=incident)
    assert _states(incident, now) == [("passed", ["CC7.4"])]


def test_the_draft_says_what_passed_failed_and_is_missing_and_cites_the_entry_that_vouches(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    for alias in ("SOC2_A1.2", "ISO_27001_A_8.13", "SOC2_A1.3", "SOC2_CC9.1"):
        bind(alias)
    moment = now - 3 * DAY
    given: dict[str, Any] = {"effective_from": moment - DAY}
    good = sealed(tenant, cora_acts, moment, control_ids=["SOC2_A1.2", "ISO_27001_A_8.13"], **given)
    bad = sealed(tenant, cora_acts, moment, control_ids=["SOC2_A1.3"], findings=[PASSED, FAILED, UNCHECKED], **given)

    drafted = draft_postmortem(incident=incident, actor=cora_acts, now=now)

    (entry,) = TimelineEvent.objects.filter(incident=incident, kind=EventKind.CONTROLS_READ)
    section = next(each for each in drafted.sections if each["key"] == "controls")
    told = [each["text"] for each in section["blocks"] if each["sources"] == [entry.seq]]
    until = "to 17 Nov 2026, 11:00:00 UTC"
    assert told == [
        "Of 4 controls bound at the time, 2 have evidence without exceptions, 1 has evidence with exceptions and 1 has "
        "none.",
        f"Failed: Quarterly restore ({bad.code}, {until}) found an exception in 1 of 2 checks: Tested again, Something "
        f"wrong. Control: SOC 2 A1.3. Manifest SHA-256 {bad.manifest_digest[:16]}…",
        "Missing: no evidence of “Backup and restore verification” was sealed by then. Control: SOC 2 CC9.1.",
        f"Operated: Quarterly restore ({good.code}, {until}) found no exceptions in 1 check. Controls: ISO/IEC 27001 "
        f"A.8.13; SOC 2 A1.2. Manifest SHA-256 {good.manifest_digest[:16]}…",
    ]
    assert (entry.data["passed"], entry.data["failed"], entry.data["missing"]) == (2, 1, 1)
    assert {each["digest"] for each in entry.data["bundles"]} == {good.manifest_digest, bad.manifest_digest}
    receipt = Receipt.objects.get(id=entry.receipt_id)
    assert {good.ref, bad.ref} <= set(receipt.links)


def test_a_sealed_bundle_of_its_own_also_cites_the_entry_that_attached_it(
    bind: Callable[..., Any], incident: Incident, tenant: Tenant, cora_acts: Actor, now: datetime
) -> None:
    bind("SOC2_CC7.4", INCIDENT_BUNDLE)
    bundle = sealed(tenant, cora_acts, now, control_ids=["SOC2_CC7.4"], incident=incident)
    record_link(
        incident=incident,
        kind=EventKind.EVIDENCE_ATTACHED,
        target=bundle.ref,
        name=str(bundle),
        actor=cora_acts,
        now=now,
    )

    drafted = draft_postmortem(incident=incident, actor=cora_acts, now=now)

    kinds = dict(TimelineEvent.objects.filter(incident=incident).values_list("seq", "kind"))
    section = next(each for each in drafted.sections if each["key"] == "controls")
    told = [each for each in section["blocks"] if bundle.code in each["text"]]
    assert [{kinds[seq] for seq in each["sources"]} for each in told] == [{"controls.read", "evidence.attached"}]


def test_without_bound_controls_nothing_is_read_and_the_draft_says_that_none_is_linked(
    incident: Incident, cora_acts: Actor, now: datetime
) -> None:
    drafted = draft_postmortem(incident=incident, actor=cora_acts, now=now)

    section = next(each for each in drafted.sections if each["key"] == "controls")
    assert "The graph links no control to this incident." in [each["text"] for each in section["blocks"]]
    assert not TimelineEvent.objects.filter(incident=incident, kind=EventKind.CONTROLS_READ).exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "inconclusive",
            "Not known: Restore (EVB-0004, to 20 Nov 2026, 10:00:00 UTC) was sealed without a conclusion.",
        ),
        ("unsealed", "Not known: Restore (EVB-0004) is not sealed yet."),
        ("awaited", "Not known yet: the evidence of this response is collected once its final postmortem is rendered."),
        (
            "stale",
            "Missing: Restore (EVB-0004, to 20 Nov 2026, 10:00:00 UTC) is the newest evidence, and counted for "
            "90 days.",
        ),
    ],
)
def test_what_is_not_known_is_said_to_be_so(state: str, words: str) -> None:
    said = statement(
        {
            "state": state,
            "about": "Restore",
            "controls": [{"name": "SOC 2", "codes": ["A1.2"]}],
            "bundle": "EVB-0004",
            "ref": "evidence.bundle:1",
            "manifest_digest": "",
            "until": "2026-11-20T10:00:00Z",
            "counts_days": 90,
            "checks": 0,
            "passed": 0,
            "exceptions": [],
        }
    )

    assert said == f"{words} Control: SOC 2 A1.2."
