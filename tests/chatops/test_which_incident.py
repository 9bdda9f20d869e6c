"""Which incident a command means: the one that is named, or the only one, or one's own, or a question."""

from __future__ import annotations

from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.choices import Status
from incidents.models.incident import Incident
from tests.chatops.slack import Speaker, buttons, words


def statuses(tenant: Tenant) -> dict[int, str]:
    with tenant_scope(tenant.id):
        return dict(Incident.objects.values_list("number", "status"))


def test_the_only_active_one_is_meant(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev3 First")

    ben_says("mitigated")

    assert statuses(workspace) == {1: Status.MITIGATED}


def test_of_several_the_one_that_is_named_is_meant(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev3 First")
    ben_says("declare sev3 Second")

    ben_says("mitigated INC-1 done")
    ben_says("inc-2 mitigated")

    assert statuses(workspace) == {1: Status.MITIGATED, 2: Status.MITIGATED}


def test_of_several_ones_own_newest_is_meant(ben_says: Speaker, cora_says: Speaker, workspace: Tenant) -> None:
    for title in ("First", "Second", "Third"):
        ben_says(f"declare sev3 {title}")
    cora_says("INC-1 scribe")
    cora_says("INC-2 scribe")

    cora_says("mitigated")

    assert statuses(workspace) == {1: Status.OPEN, 2: Status.MITIGATED, 3: Status.OPEN}


def test_otherwise_the_question_lists_the_candidates_and_nothing_moves(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev3 First")
    ben_says("declare sev3 Second")

    answer = ben_says("mitigated")

    assert answer["response_type"] == "ephemeral"
    assert "Which one?" in words(answer)
    assert "`/incident mitigated INC-1`" in words(answer)
    assert "`/incident mitigated INC-2`" in words(answer)
    assert set(statuses(workspace).values()) == {Status.OPEN}


def test_a_code_that_is_nobodys_is_refused_with_the_candidates(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev3 First")

    answer = ben_says("mitigated INC-99")

    assert "There is no INC-99 here." in words(answer)
    assert "INC-1" in words(answer)
    assert statuses(workspace) == {1: Status.OPEN}


def test_with_nothing_active_it_says_so(ben_says: Speaker) -> None:
    nothing = ben_says("mitigated")

    assert "No incident is active." in words(nothing)
    assert list(buttons(nothing)) == ["Declare an incident…"]
    assert "No incident was resolved in the last seven days." in words(ben_says("reopen because of that"))


def test_ones_own_no_longer_counts_once_the_role_is_over(
    ben_says: Speaker, cora_says: Speaker, workspace: Tenant
) -> None:
    ben_says("declare sev3 First")
    ben_says("declare sev3 Second")
    ben_says("INC-1 ic")
    cora_says("INC-1 ic")

    assert "Which one?" in words(ben_says("mitigated"))
