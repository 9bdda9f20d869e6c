"""Timeline and incident rewritten past Conductor: named by page, API and verify_ledger, and nothing is made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.incident.classification import classify_incident
from incidents.incident.description import describe_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.integrity.checks import TimelineBroken, faults_in, faults_of, read_record, require_unbroken
from incidents.integrity.stated_facts import LABELS
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import edit_section
from incidents.record.chain import chained, link_digest, salted
from incidents.timeline.lifecycle import post_update
from incidents.timeline.milestones import set_milestone
from incidents.timeline.redactions import approve_redaction, request_redaction
from tests.attacks.insider import change
from tests.evidence.calling import caller

pytestmark = pytest.mark.fault("proof-3", "house-2.3")
Make = Callable[..., Actor]


def _lived(tenant: Tenant, who: Actor) -> Incident:
    """Return a SEV2 that went through every kind of change that its row keeps. Needs the scope."""
    moment = clock_now() - timedelta(hours=2)
    made, _new = declare_incident(
        tenant_id=tenant.id, title="Cards fail", summary="Since the deploy.", severity="SEV3", service="cards",
        actor=who, now=moment, triage=True, answers={"malicious": "NO"}, take_command=True,
        detected_at=moment - timedelta(minutes=5),
    )  # fmt: skip
    post_update(incident=made, text="Root cause is our own deploy", actor=who, now=moment)
    move_incident(incident=made, to="OPEN", actor=who, now=moment)
    classify_incident(
        incident=made, impact="SOME", urgency="STOPPED", incident_type="outage", service="payments",
        answers={"personal_data": "NO"}, actor=who, now=moment,
    )  # fmt: skip
    describe_incident(incident=made, title="Card payments fail", summary="All of them.", actor=who, now=moment)
    set_milestone(incident=made, key="impact_started", at=moment, actor=who, now=moment)
    set_milestone(incident=made, key="impact_ended", at=moment + timedelta(minutes=1), actor=who, now=clock_now())
    for minutes, to in enumerate(("MITIGATED", "RESOLVED"), start=9):
        move_incident(incident=made, to=to, actor=who, now=moment + timedelta(minutes=minutes))
    return made


@pytest.fixture
def lived(tenant: Tenant, scope: None, actor: Make, cora: User) -> Incident:
    """Inside the test's own transaction."""
    return _lived(tenant, actor(cora))


@pytest.fixture
def incident(committed: None, tenant: Tenant, actor: Make, cora: User) -> Incident:
    """Committed, and in the log: an insider can reach it."""
    with tenant_scope(tenant.id):
        made = _lived(tenant, actor(cora))
    sequence(tenant_id=tenant.id, now=clock_now())
    return made


def _faults(incident: Incident) -> list[str]:
    with tenant_scope(incident.tenant_id):
        return [str(each) for each in faults_of(incident=Incident.objects.get(id=incident.id))]


def _ledger(incident: Incident) -> list[str]:
    with tenant_scope(incident.tenant_id):
        return verify_ledger(tenant_id=incident.tenant_id, keyring=keyring()).faults


def test_a_record_that_nobody_touched_holds(incident: Incident, tenant: Tenant) -> None:
    assert (_faults(incident), _ledger(incident)) == ([], [])
    with tenant_scope(tenant.id):
        require_unbroken(incident=incident)
    call_command("verify_ledger", tenant="northwind")


REWRITTEN: dict[str, tuple[Any, str]] = {
    "severity": ("SEV4", "Its severity is SEV4, its timeline says SEV2."),
    "title": ("Nothing happened", "Its title is Nothing happened, its timeline says Card payments fail."),
    "summary": ("", "Its summary is empty, its timeline says All of them."),
    "status": ("OPEN", "Its status is OPEN, its timeline says RESOLVED."),
    "closure": ("TEST", "Its closure is TEST, its timeline says empty."),
    "service": ("blog", "Its service is blog, its timeline says payments."),
    "incident_type": ("", "Its type is empty, its timeline says outage."),
    "kind": ("PRACTICE", "Its kind is PRACTICE, its timeline says REAL."),
    "origin": ("slack", "Its origin is slack, its timeline says console."),
    "impact": ("NONE", "Its impact is NONE, its timeline says SOME."),
    "urgency": ("WORKAROUND", "Its urgency is WORKAROUND, its timeline says STOPPED."),
    "answers": ({"malicious": "NO"}, "Its answers to the questions is {'malicious': 'NO'}"),
    "declared_by": ("tenancy.user:99", "Its declarer is tenancy.user:99"),
    "declared_by_name": ("Nobody", "Its declarer's name is Nobody, its timeline says Cora Commander."),
    "declared_at": (datetime.now(UTC), "Its time of declaration is "),
    "detected_at": (None, "Its time of detection is empty"),
    "acknowledged_at": (None, "Its time of acknowledgement is empty"),
    "mitigated_at": (None, "Its time of mitigation is empty"),
    "monitoring_at": (datetime.now(UTC), "Its start of monitoring is "),
    "resolved_at": (datetime.now(UTC), "Its time of resolution is "),
    "impact_started_at": (None, "Its start of the impact is empty"),
    "impact_ended_at": (None, "Its end of the impact is empty"),
    "visibility": ("PRIVATE", "Its visibility is not what its timeline says."),
}


def test_each_rewritten_field_of_the_incident_is_named(lived: Incident) -> None:
    assert {*REWRITTEN, "environment"} == set(LABELS)
    for name, (value, words) in REWRITTEN.items():
        record = read_record(Incident.objects.get(id=lived.id))
        assert faults_in(record) == []
        setattr(record.incident, name, value)

        assert [str(each) for each in faults_in(record) if str(each).startswith(words)], name


def _set(seq: int, **changes: Any) -> Callable[[list[TimelineEvent]], None]:
    def rewrite(events: list[TimelineEvent]) -> None:
        for name, value in changes.items():
            setattr(events[seq - 1], name, value)

    return rewrite


ENTRIES: dict[str, tuple[Callable[[list[TimelineEvent]], Any], str]] = {
    "text": (_set(4, body="We did nothing wrong"), "Entry 4: its text is not what was written."),
    "facts": (_set(4, data={"x": 1}), "Entry 4: its facts are not what was written."),
    "author": (_set(4, actor_name="Ben"), "Entry 4: its author is not the one that its receipt names."),
    "moment": (_set(4, occurred_at=datetime.now(UTC)), "Entry 4: it does not follow from the entry before it."),
    "kind": (_set(4, kind="nonsense"), "Entry 4: it does not follow from the entry before it."),
    "receipt": (_set(4, receipt_id=uuid4()), "Entry 4: its receipt is not among those of the incident."),
    "redaction": (
        _set(4, body="", body_salt="", redacted_at=datetime.now(UTC)),
        "Entry 4: it was redacted without approval.",
    ),
    "middle": (lambda events: events.pop(3), "Entry 5: entry 4 is missing."),
    "tail": (lambda events: events.pop(), "a receipt vouches for another entry, or for one that is not there."),
    "everything": (lambda events: events.clear(), "It has no timeline."),
}


def test_each_rewriting_of_the_timeline_is_named(lived: Incident) -> None:
    for name, (rewrite, words) in ENTRIES.items():
        record = read_record(Incident.objects.get(id=lived.id))
        rewrite(record.events)

        assert any(words in str(each) for each in faults_in(record)), name


def test_an_entry_that_was_added_is_vouched_for_by_nothing(lived: Incident) -> None:
    record = read_record(Incident.objects.get(id=lived.id))
    last = record.events[-1]
    added = TimelineEvent(
        seq=last.seq + 1, kind="note.added", body="x", data={}, occurred_at=last.occurred_at,
        recorded_at=last.recorded_at, actor=last.actor, actor_name=last.actor_name, source="console",
        receipt_id=last.receipt_id,
    )  # fmt: skip
    record.events += chained([added], previous=last.chain_digest)

    assert [str(each) for each in faults_in(record)] == [f"Entry {added.seq}: no receipt vouches for it."]


def test_nothing_is_made_of_a_record_that_was_rewritten(
    incident: Incident, tenant: Tenant, actor: Make, cora: User
) -> None:
    change("UPDATE incidents_timelineevent SET body = 'We did nothing wrong' WHERE seq = 4")

    with tenant_scope(tenant.id), pytest.raises(TimelineBroken, match="Entry 4: its text is not") as refused:
        draft_postmortem(incident=Incident.objects.get(id=incident.id), actor=actor(cora), now=clock_now())
    assert refused.value.code == "timeline_broken"
    with tenant_scope(tenant.id):
        assert not Postmortem.objects.exists()


def _rewrite_with_receipts(incident: Incident) -> None:
    """Rewrite an entry's text, every digest after it, and what the receipts say of them: all but the signatures."""
    with tenant_scope(incident.tenant_id):
        events = list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))
    events[3].body = "Root cause is the cloud provider"
    events[3].body_digest = salted(events[3].body_salt, events[3].body)
    previous = events[2].chain_digest
    for event in events[3:]:
        event.chain_digest = previous = link_digest(event, previous)
        change(
            "UPDATE incidents_timelineevent SET body = %s, body_digest = %s, chain_digest = %s WHERE id = %s",
            event.body, event.body_digest, event.chain_digest, event.id,
        )  # fmt: skip
    digests = {event.seq: event.chain_digest for event in events}
    with tenant_scope(incident.tenant_id):
        receipts = [each for each in Receipt.objects.filter(subject=incident.ref) if "entries" in each.body]
    for receipt in receipts:
        entries = [{**each, "chain_digest": digests[each["seq"]]} for each in receipt.body["entries"]]
        body = {**receipt.body, "entries": entries}
        change(
            "UPDATE conductor_receipt SET body = %s::jsonb, body_digest = %s WHERE id = %s",
            canonical_json(body).decode(), sha256_hex(canonical_json(body)), receipt.id,
        )  # fmt: skip


def test_a_timeline_rewritten_with_its_receipts_fails_by_their_signatures(incident: Incident, tenant: Tenant) -> None:
    _rewrite_with_receipts(incident)

    assert _faults(incident) == []
    assert any("the row says something else than what was signed" in each for each in _ledger(incident))
    with tenant_scope(tenant.id), pytest.raises(TimelineBroken, match="does not hold"):
        require_unbroken(incident=Incident.objects.get(id=incident.id))


def test_page_receipts_tab_and_api_name_the_fault(
    incident: Incident, tenant: Tenant, as_user: Callable[..., Client], cora: User
) -> None:
    browser, path = as_user(cora), f"/t/northwind/incidents/INC-{incident.number}/"
    api, call = f"/incidents/{incident.number}/timeline/verification", caller(tenant)
    assert "changed past Conductor" not in browser.get(path).content.decode()
    assert "is what its digests and receipts say" in browser.get(f"{path}?tab=receipts").content.decode()
    assert call("get", api, user=cora).json() == {"is_verified": True, "faults": []}

    change("UPDATE incidents_timelineevent SET body = 'We did nothing wrong' WHERE seq = 4")
    change("UPDATE incidents_incident SET severity = 'SEV4'")

    for shown in (path, f"{path}?tab=receipts"):
        page = browser.get(shown).content.decode()
        assert "Entry 4: its text is not what was written." in page
        assert "Its severity is SEV4, its timeline says SEV2." in page
        assert "is what its digests and receipts say" not in page
    answer = call("get", api, user=cora).json()
    assert answer["is_verified"] is False
    assert {"entry": 4, "what": "Its text is not what was written."} in answer["faults"]
    assert {"entry": None, "what": "Its severity is SEV4, its timeline says SEV2."} in answer["faults"]


def test_verify_ledger_fails_and_names_entry_and_field(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    change("UPDATE incidents_timelineevent SET body = 'We did nothing wrong' WHERE seq = 4")
    change("UPDATE incidents_incident SET title = 'Nothing happened'")

    with pytest.raises(CommandError, match="2 faults"):
        call_command("verify_ledger", tenant="northwind")

    said = capsys.readouterr().out
    assert f"{incident.code}: entry 4: its text is not what was written" in said
    assert f"{incident.code}: its title is Nothing happened, its timeline says Card payments fail" in said


def test_an_incident_that_is_gone_is_named(incident: Incident, tenant: Tenant) -> None:
    for table in ("milestone", "roleassignment", "statustransition", "timelineevent"):
        change(f"DELETE FROM incidents_{table}")
    change("DELETE FROM incidents_incident")

    assert f"{incident.code}: it was declared, and its row is gone" in _ledger(incident)


def test_a_postmortem_that_was_rewritten_is_named_and_goes_no_further(
    incident: Incident, tenant: Tenant, actor: Make, cora: User
) -> None:
    with tenant_scope(tenant.id):
        draft = draft_postmortem(incident=incident, actor=actor(cora), now=clock_now())
    change("""UPDATE incidents_postmortem SET sections = jsonb_set(sections, '{0,blocks,0,text}', '"All is well"')""")

    assert f"{incident.code}: version 1 of its postmortem is not what its digest says" in _ledger(incident)
    with tenant_scope(tenant.id), pytest.raises(TimelineBroken):
        edit_section(
            postmortem=Postmortem.objects.get(id=draft.id), key="lessons", text="x", actor=actor(cora), now=clock_now()
        )


@pytest.mark.parametrize("drops_data", [False, True])
def test_what_was_redacted_by_two_people_is_no_fault(
    drops_data: bool, lived: Incident, actor: Make, cora: User, ben: User
) -> None:
    """Every entry, also those that the incident's row follows from: what was dropped is not compared."""
    for event in TimelineEvent.objects.filter(incident=lived).order_by("seq"):
        asked = request_redaction(
            event=event, reason="r", legal_basis="GDPR Art. 17", drops_data=drops_data, actor=actor(ben),
            now=clock_now(),
        )  # fmt: skip
        approve_redaction(redaction=asked, actor=actor(cora), now=clock_now())

    assert faults_of(incident=Incident.objects.get(id=lived.id)) == []


def test_private_and_reopened_incidents_hold_too(incident: Incident, tenant: Tenant, actor: Make, cora: User) -> None:
    with tenant_scope(tenant.id):
        who = actor(cora)
        move_incident(incident=incident, to="OPEN", reason="It came back within the hour.", actor=who, now=clock_now())
        set_visibility(incident=incident, visibility="PRIVATE", reason="Names a customer.", actor=who, now=clock_now())
        acknowledge_incident(incident=incident, actor=who, now=clock_now())
        hidden, _new = declare_incident(
            tenant_id=tenant.id, title="Quiet", severity="SEV4", visibility="PRIVATE", actor=who, now=clock_now()
        )
    assert (_faults(incident), _faults(hidden), _ledger(incident)) == ([], [], [])

    change("UPDATE incidents_incident SET title = 'x', severity = 'SEV1' WHERE id = %s", hidden.id)
    told: Any = _ledger(hidden)
    assert f"{hidden.code}: its title is not what its timeline says" in told
    assert "Quiet" not in str(told)
