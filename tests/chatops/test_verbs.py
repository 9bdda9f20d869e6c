"""Every verb of the command, through the signed door, as a responder, a commander, an auditor and a stranger."""

from __future__ import annotations

from typing import Any

import pytest

from chatops.commands.phrases import BY_WORD, VERBS
from conductor.ledger.models import Receipt
from conductor.policy.models import PolicyDecision
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.choices import EventKind, Severity, Status
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from tests.chatops.blocks import check_message
from tests.chatops.slack import CORA, STRANGER, Speaker, words


@pytest.fixture
def incidents(workspace: Tenant) -> Any:
    """`incidents()`: Northwind's incidents, by number."""

    def read() -> list[Incident]:
        with tenant_scope(workspace.id):
            return list(Incident.objects.select_related("environment").order_by("number"))

    return read


def timeline(tenant: Tenant, kind: str) -> list[TimelineEvent]:
    with tenant_scope(tenant.id):
        return list(TimelineEvent.objects.filter(kind=kind).order_by("seq"))


def test_declare_makes_an_incident_and_tells_the_channel(ben_says: Speaker, incidents: Any) -> None:
    answer = ben_says("declare sev2 Checkout answers with errors --service checkout --env production")

    (incident,) = incidents()
    assert incident.title == "Checkout answers with errors"
    assert (incident.severity, incident.status, incident.service) == ("SEV2", Status.OPEN, "checkout")
    assert incident.environment.slug == "production"
    assert (incident.origin, incident.declared_by_name) == ("slack", "Ben Responder")
    assert answer["response_type"] == "in_channel"
    assert f"/t/northwind/incidents/{incident.code}/" in words(answer)
    assert "SEV2" in answer["text"]


def test_declare_without_a_severity_is_sev3_and_says_so(ben_says: Speaker, incidents: Any) -> None:
    answer = ben_says("new Checkout is slow")

    assert incidents()[0].severity == Severity.SEV3
    assert "No severity was given" in words(answer)


def test_declare_in_an_unknown_environment_is_refused_with_the_known_ones(ben_says: Speaker, incidents: Any) -> None:
    answer = ben_says("declare x --env moon")

    assert incidents() == []
    assert answer["response_type"] == "ephemeral"
    assert "There is none called moon" in words(answer)
    assert "production" in words(answer)


def test_ack_records_who_has_seen_it(ben_says: Speaker, incidents: Any) -> None:
    ben_says("declare sev2 x")

    first, second = ben_says("ack"), ben_says("ack")

    assert incidents()[0].acknowledged_at is not None
    assert first["response_type"] == "ephemeral"
    assert "acknowledged by you" in words(first)
    assert "acknowledged already" in words(second)


def test_classify_changes_the_severity_and_keeps_the_reason(
    ben_says: Speaker, incidents: Any, workspace: Tenant
) -> None:
    ben_says("declare sev3 x")

    answer = ben_says("sev 1 payments fail in every region")

    assert incidents()[0].severity == Severity.SEV1
    assert "is SEV1 now, it was SEV3" in words(answer)
    (entry,) = timeline(workspace, EventKind.SEVERITY_CHANGED)
    assert entry.body == "payments fail in every region"


def test_lowering_a_severity_needs_a_reason(ben_says: Speaker, incidents: Any) -> None:
    ben_says("declare sev1 x")

    answer = ben_says("classify sev3")

    assert incidents()[0].severity == Severity.SEV1
    assert "less severe than it seemed" in words(answer)


def test_assign_gives_a_role_to_whom_is_mentioned(cora_says: Speaker, workspace: Tenant) -> None:
    cora_says("declare sev2 x")

    answer = cora_says("assign comms <@U0BEN|ben>")

    assert "has Ben Responder as its communications" in words(answer)
    with tenant_scope(workspace.id):
        assert RoleAssignment.objects.get(role="COMMUNICATIONS").user.username == "ben"


def test_a_roles_word_alone_takes_it_for_oneself(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")

    ben_says("ic")

    with tenant_scope(workspace.id):
        assert RoleAssignment.objects.get(role="COMMANDER").user.username == "ben"


def test_a_plain_name_means_the_member_of_that_name(cora_says: Speaker, workspace: Tenant) -> None:
    cora_says("declare sev2 x")

    assert "has Ben Responder as its scribe" in words(cora_says("scribe @ben"))
    assert "Nobody here is called nobody" in words(cora_says("ops @nobody"))


def test_a_responder_cannot_give_roles_to_others(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")

    answer = ben_says(f"assign ic <@{CORA}|cora>")

    assert "Refused, nothing was changed" in words(answer)
    assert "Only Commander or Admin may assign roles" in words(answer)
    with tenant_scope(workspace.id):
        assert not RoleAssignment.objects.exists()


def test_a_role_for_somebody_without_an_account_is_refused(cora_says: Speaker) -> None:
    cora_says("declare sev2 x")

    assert "not linked to a member" in words(cora_says(f"assign ic <@{STRANGER}|stranger>"))


def test_update_and_decide_append_to_the_timeline(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")

    ben_says("update Rolled back to 4.1 &amp; watching")
    ben_says("decide No failover: the standby is behind")

    assert timeline(workspace, EventKind.UPDATE_POSTED)[0].body == "Rolled back to 4.1 & watching"
    assert timeline(workspace, EventKind.DECISION_RECORDED)[0].body == "No failover: the standby is behind"


def test_an_incident_is_carried_to_its_end(ben_says: Speaker, incidents: Any) -> None:
    ben_says("declare sev2 Checkout fails")
    ben_says("ic")

    mitigated = ben_says("mit Traffic moved away")
    monitoring = ben_says("watch error rate")
    resolved = ben_says("fixed Quota raised")

    (incident,) = incidents()
    assert incident.status == Status.RESOLVED
    assert None not in (incident.mitigated_at, incident.monitoring_at, incident.resolved_at)
    assert [each["response_type"] for each in (mitigated, monitoring, resolved)] == ["in_channel"] * 3
    assert "is mitigated" in mitigated["text"]
    assert "is monitoring" in monitoring["text"]
    assert "is resolved" in resolved["text"]
    assert ">Traffic moved away" in words(mitigated)


def test_every_act_through_slack_leaves_a_receipt_that_says_so(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")
    ben_says("ack")
    ben_says("mitigated")

    with tenant_scope(workspace.id):
        actions = Receipt.objects.filter(action__startswith="incidents.").order_by("id")
        assert [each.action for each in actions] == [
            "incidents.incident.declared",
            "incidents.incident.acknowledged",
            "incidents.incident.mitigated",
        ]
        assert {each.actor_name for each in actions} == {"Ben Responder"}


def test_moving_to_where_it_stands_changes_nothing(ben_says: Speaker) -> None:
    ben_says("declare sev2 x")
    ben_says("mit")

    answer = ben_says("mit")

    assert answer["response_type"] == "ephemeral"
    assert "was mitigated already" in words(answer)


def test_reopen_means_what_was_resolved_lately(ben_says: Speaker, incidents: Any) -> None:
    for text in ("declare sev3 x", "ack", "mit", "resolve"):
        ben_says(text)
    assert incidents()[0].status == Status.RESOLVED

    short = ben_says("reopen again")
    answer = ben_says("reopen errors are back since noon")

    assert "in at least 10 characters" in words(short)
    assert incidents()[0].status == Status.OPEN
    assert "is open again" in answer["text"]


def test_resolving_too_early_lists_every_reason(ben_says: Speaker, incidents: Any, workspace: Tenant) -> None:
    ben_says("declare sev1 x")

    answer = ben_says("resolved")

    text = words(answer)
    assert incidents()[0].status == Status.OPEN
    assert "resolved by its commander" in text
    assert "not mitigated yet" in text
    assert "Nobody has acknowledged" in text
    assert answer["response_type"] == "ephemeral"
    with tenant_scope(workspace.id):
        decision = PolicyDecision.objects.get(action="incidents.resolve")
        assert not decision.allow


def test_status_shows_who_has_it_and_what_happened(ben_says: Speaker) -> None:
    ben_says("declare sev2 Checkout fails --service checkout")
    ben_says("ic")

    answer = ben_says("status")

    assert answer["response_type"] == "ephemeral"
    assert "Commander: Ben Responder" in words(answer)
    assert "checkout" in words(answer)


def test_list_narrows(ben_says: Speaker, cora_says: Speaker) -> None:
    ben_says("declare sev1 First")
    cora_says("declare sev3 Second")
    ben_says("INC-1 ic")

    assert "First" in words(ben_says("list"))
    assert "Second" in words(ben_says("list"))
    assert "Second" not in words(ben_says("list mine"))
    assert "First" not in words(ben_says("list sev3"))
    assert "No SEV4 is active" in words(ben_says("list sev4"))


def test_help_lists_every_verb(ben_says: Speaker) -> None:
    text = words(ben_says("help"))

    assert all(f"/incident {verb.name}" in text for verb in VERBS)


@pytest.mark.parametrize("word", sorted(BY_WORD))
def test_each_verb_has_its_help_under_each_of_its_words(ben_says: Speaker, word: str) -> None:
    verb = BY_WORD[word]

    answer = ben_says(f"help {word}", command="/inc")

    check_message(answer)
    assert f"/inc {verb.name}" in words(answer)
    assert verb.summary in words(answer)
    assert all(example in words(answer) for example in verb.examples)


def test_an_unknown_verb_gets_the_nearest_and_changes_nothing(ben_says: Speaker, incidents: Any) -> None:
    answer = ben_says("declair sev1 x")

    assert "Did you mean `/incident declare`" in words(answer)
    assert incidents() == []


@pytest.mark.parametrize(
    "text",
    ["declare sev2 y", "ack", "sev 1", "ic", "update x", "decide x", "mit", "watch", "fixed"],
)
def test_an_auditor_may_not_write(ben_says: Speaker, cleo_says: Speaker, incidents: Any, text: str) -> None:
    ben_says("declare sev2 x")
    (before,) = incidents()

    answer = cleo_says(text)

    (after,) = incidents()
    assert "Refused, nothing was changed" in words(answer)
    assert after.version == before.version


def test_an_auditor_may_read(ben_says: Speaker, cleo_says: Speaker) -> None:
    ben_says("declare sev2 Checkout fails")

    assert "Checkout fails" in words(cleo_says("status"))
    assert "Checkout fails" in words(cleo_says("list"))


def test_an_unlinked_user_gets_a_link_to_confirm_who_they_are(workspace: Tenant, incidents: Any) -> None:
    answer = Speaker(STRANGER)("declare sev1 x")

    assert answer["response_type"] == "ephemeral"
    assert "Link your account" in words(answer)
    assert "/t/northwind/slack/you/" in words(answer)
    assert STRANGER in words(answer)
    assert incidents() == []


def test_an_unlinked_user_gets_help(workspace: Tenant) -> None:
    assert "/incident declare" in words(Speaker(STRANGER)("help"))


def test_tasks_are_added_listed_and_done(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")
    assert "has no tasks" in ben_says("tasks")["text"]

    added = ben_says(f"task Check the replica <@{CORA}|cora>")
    listed = ben_says("tasks")
    done, again, unknown = ben_says("done 1"), ben_says("done 1"), ben_says("done 9")

    check_message(listed)
    assert "has task 1 for Cora Commander: Check the replica" in words(added)
    assert "Check the replica" in words(listed)
    assert "task 1 is done" in words(done)
    assert "was done already" in words(again)
    assert "has no task 9" in words(unknown)


def test_a_role_is_offered_and_accepted(ben_says: Speaker, cora_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev2 x")
    ben_says("ic")

    offered = ben_says(f"handover ic <@{CORA}|cora> Rollback runs, next update at 14:20")
    with tenant_scope(workspace.id):
        assert RoleAssignment.objects.get(role="COMMANDER", ended_at=None).user.username == "ben"
    accepted = cora_says("accept ic")

    assert "offers the role of commander to Cora Commander" in words(offered)
    assert "accepted" in words(accepted)
    with tenant_scope(workspace.id):
        assert RoleAssignment.objects.get(role="COMMANDER", ended_at=None).user.username == "cora"
    assert "Refused" in words(ben_says("accept scribe"))


def test_what_was_no_incident_is_cancelled_with_a_word_and_a_reason(
    ben_says: Speaker, incidents: Any, workspace: Tenant
) -> None:
    ben_says("declare sev3 x")

    short = ben_says("cancel false-positive")
    ben_says("cancel false-positive The probe itself was broken")

    assert "Refused, nothing was changed" in words(short)
    assert incidents()[0].status == Status.CANCELED


def test_a_duplicate_is_merged_into_the_one_that_goes_on(ben_says: Speaker, incidents: Any) -> None:
    ben_says("declare sev3 First")
    ben_says("declare sev3 Second")

    ben_says("duplicate INC-2 of INC-1")

    assert [each.status for each in incidents()] == [Status.OPEN, Status.DUPLICATE]
    assert "There is no INC-9 here" in words(ben_says("duplicate INC-1 of INC-9"))
