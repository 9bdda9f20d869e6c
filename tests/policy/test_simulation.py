"""Recorded decisions against other rules: what differs, and what opens when an attribute is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from conductor.engine.models import Run
from conductor.engine.operate.simulations import NothingToReplay, Selection, start_simulation
from conductor.engine.run.executor import advance
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.policy import example
from conductor.policy.bundle import read_folder
from conductor.policy.candidate import Candidate, candidate_from_json, candidate_of_files, candidate_with
from conductor.policy.decision_log import event_of
from conductor.policy.models import PolicyDecision, PolicySimulation, TenantPolicy
from conductor.policy.simulation import Recorded, Tally, recorded, replay, tally_from_json
from conductor.policy.tenant_rules import TenantRules
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.policy.asking import Asked
from tests.policy.own_rules import FREEZE, NOBODY, rules
from tests.world import NORTHWIND, NOW

MakeActor = Callable[..., Actor]
DECISIONS = list(example.example_decisions())


def candidate(name: str) -> Candidate:
    files = {name: (example.FOLDER / name).read_text(encoding="utf-8")}
    return candidate_of_files(files, data=example.DATA, in_force=TenantRules(), tenant="t")


@cache
def of_example(name: str) -> Tally:
    return replayed(candidate(name))


def replayed(of: Candidate, decisions: list[Recorded] = DECISIONS) -> Tally:
    tally = Tally()
    replay(of, decisions, tally, tenant="t")
    return tally


def removed(tally: Tally) -> set[str]:
    return {each["removed"] for each in tally.openings}


def test_the_rules_in_force_answer_as_they_did_and_open_nothing() -> None:
    files = read_folder()
    touched = {"declare.rego": files["declare.rego"] + "\n# the same rules\n"}

    tally = replayed(candidate_of_files(touched, data={}, in_force=TenantRules(), tenant="t"))

    assert tally.counts == {"same": len(DECISIONS)}
    assert (tally.gate, tally.opened) == ("passed", 0)
    assert tally.mutations > 1000


def test_a_rule_of_ones_own_shows_who_would_be_refused() -> None:
    tally = of_example("second_step.rego")

    assert tally.counts["allow_to_deny"] == 4
    assert tally.counts["deny_to_allow"] == 0
    assert {case["after"]["codes"][0] for case in tally.cases} == {"second_step.mfa_required"}
    assert {case["actor"] for case in tally.cases} == {"tenancy.user:3"}  # the commander with a password alone
    assert tally.gate == "passed"


def test_a_rule_that_is_silent_about_a_missing_attribute_fails_the_gate() -> None:
    tally = of_example("second_step_open.rego")

    assert tally.counts == of_example("second_step.rego").counts  # nothing else tells the two apart
    assert tally.gate == "failed"
    assert {"/subject/authentication", "/resource/severity", "/resource/environment", "/action"} <= removed(tally)


def test_looser_built_in_rules_show_what_would_be_allowed() -> None:
    tally = of_example("resolve_looser.rego")

    allowed = [case for case in tally.cases if case["kind"] == "deny_to_allow"]
    assert tally.counts["deny_to_allow"] == len(allowed) == 4
    assert all(case["before"]["codes"] == ["commander_required"] for case in allowed)
    assert tally.counts["reason_changed"] == 20


def test_built_in_rules_that_compare_what_may_be_missing_fail_the_gate() -> None:
    """The classic: `!=` with something missing is neither true nor false, so that no reason is given."""
    text = read_folder()["basis.rego"]
    text = text.replace("	not same_tenant\n", "	input.subject.tenant != input.resource.tenant\n")
    text = text.replace("	same_tenant\n	known_channel", "	known_channel")

    tally = replayed(candidate_of_files({"basis.rego": text}, data={}, in_force=TenantRules(), tenant="t"))

    assert tally.counts == {"same": len(DECISIONS)}
    assert tally.gate == "failed"
    assert removed(tally) == {"/subject/tenant", "/resource/tenant"}


def test_a_recorded_input_that_is_not_what_was_evaluated_is_counted_and_not_judged() -> None:
    first, second, third, *_ = DECISIONS
    altered = Recorded(**{**vars(first), "input": {**first.input, "action": "incidents.resolve"}})
    erased = Recorded(**{**vars(second), "input": {**second.input, "context": {"token": "[erased]"}}})
    unasked = Recorded(**{**vars(third), "allow": False, "codes": ("policy_input_invalid",)})

    tally = replayed(candidate("second_step.rego"), [altered, erased, unasked])

    assert tally.counts == {"incomparable": 3}
    assert tally.gate == "untried"


def test_a_tally_survives_being_kept() -> None:
    tally = of_example("second_step_open.rego")

    assert tally_from_json(json.loads(json.dumps(tally.as_json()))) == tally


def test_a_candidate_survives_being_kept() -> None:
    made = candidate_with(rules(FREEZE, name="freeze", data={"frozen": ["a"]}).policies[0], in_force=rules(NOBODY))

    kept = candidate_from_json(json.loads(json.dumps(made.as_json())))

    assert kept == made
    assert [each.name for each in made.own.policies] == ["freeze", "own"]
    assert made.changed == ("freeze",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.rego": "package tenant.a\n\ndeny if {"}, "a.rego:3"),
        ({"a.rego": "package elsewhere\n\nx := 1"}, "neither conductor"),
        ({"a_test.rego": "package tenant.a_test\n\ntest_x := true"}, "at least one file"),
        ({"a.rego": "package tenant.a\n\nx := 1\n" + "# long\n" * 40_000}, "At most"),
    ],
)
def test_files_that_are_no_candidate_are_refused(files: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid) as invalid:
        candidate_of_files(files, data={}, in_force=TenantRules(), tenant="t")

    assert said in " ".join(invalid.value.fields["files"])


# As a run ----------------------------------------------------------------------------------------


@pytest.fixture
def asked_of_ben(committed: None, tenant: Tenant, ben: User, actor: MakeActor) -> int:
    """Sixty recorded decisions of Ben's, two batches of a replay; thirty about payments."""
    with tenant_scope(tenant.id):
        asked = Asked(actor(ben))
        for number in range(60):
            service = "payments" if number % 2 else "search"
            asked(resource=asked.resource(service=service), now=NOW + timedelta(minutes=number))
    return 60


def draft() -> Candidate:
    return candidate_with(
        rules(FREEZE, name="freeze", data={"frozen": ["payments"]}).policies[0], in_force=TenantRules()
    )


def begin(actor: Actor, **selection: Any) -> PolicySimulation:
    return start_simulation(
        tenant_id=NORTHWIND,
        title="Freeze in December",
        candidate=draft(),
        selection=Selection(**selection),
        actor=actor,
        now=NOW + timedelta(hours=2),
    )


def test_a_simulation_is_a_run_with_progress_and_a_result(
    asked_of_ben: int, tenant: Tenant, ana: User, actor: MakeActor
) -> None:
    with tenant_scope(tenant.id):
        simulation = begin(actor(ana))
        assert (simulation.total, simulation.done, simulation.code) == (asked_of_ben, 0, "S-1")
        run = Run.objects.get(subject=simulation.ref)

    status = advance(tenant_id=tenant.id, run_id=run.id, worker="w1", now=NOW + timedelta(hours=2))

    with tenant_scope(tenant.id):
        simulation.refresh_from_db()
        tally = tally_from_json(simulation.result)
        acts = list(Receipt.objects.filter(subject=simulation.ref).order_by("id").values_list("action", flat=True))
        finished = Receipt.objects.get(action="conductor.policy_simulation.finished")
    assert status == "SUCCEEDED"
    assert (simulation.done, simulation.finished_at is not None) == (asked_of_ben, True)
    assert tally.counts == {"allow_to_deny": 30, "same": 30}
    assert tally.gate == "passed"
    assert acts == ["conductor.policy_simulation.started", "conductor.policy_simulation.finished"]
    assert finished.body["gate"] == "passed"
    assert not TenantPolicy.objects.exists()


def test_a_batch_that_was_replayed_is_not_replayed_again(
    asked_of_ben: int, tenant: Tenant, ana: User, actor: MakeActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conductor.engine.operate import simulations

    with tenant_scope(tenant.id):
        simulation = begin(actor(ana))
        run = Run.objects.get(subject=simulation.ref)
    batches: list[int] = []

    def dies_at_the_second(*args: Any, **kwargs: Any) -> None:
        batches.append(len(args[1]))
        if len(batches) == 2:
            raise ConnectionError("the worker was lost")
        replay(*args, **kwargs)

    monkeypatch.setattr(simulations, "replay", dies_at_the_second)
    for hours in (0, 1):
        advance(tenant_id=tenant.id, run_id=run.id, worker="w1", now=clock_now() + timedelta(hours=hours))

    with tenant_scope(tenant.id):
        simulation.refresh_from_db()
    assert batches == [50, 10, 10]
    assert simulation.done == asked_of_ben
    assert tally_from_json(simulation.result).replayed == asked_of_ben


def test_a_period_and_an_action_select_what_is_replayed(scope: None, ask: Asked, ana: User, actor: MakeActor) -> None:
    for minutes in range(4):
        ask(now=NOW + timedelta(minutes=minutes))
    ask(action="evidence.seal", now=NOW)

    chosen = begin(
        actor(ana), since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=3), actions=["incidents.declare"]
    )

    assert chosen.total == 2
    with pytest.raises(NothingToReplay):
        begin(actor(ana), since=NOW + timedelta(hours=1))
    with pytest.raises(Invalid, match="valid"):
        begin(actor(ana), actions=["incidents.delete"])


@pytest.mark.parametrize("person", ["ben", "cora", "cleo"])
def test_only_an_admin_simulates(
    scope: None, ask: Asked, actor: MakeActor, request: pytest.FixtureRequest, person: str
) -> None:
    ask()

    with pytest.raises(PermissionMissing):
        begin(actor(request.getfixturevalue(person)))
    assert not PolicySimulation.objects.exists()


# On the command line -----------------------------------------------------------------------------


def simulate(**options: Any) -> str:
    out = io.StringIO()
    call_command("policy_simulate", stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_the_example_passes_fails_and_passes() -> None:
    out = simulate(example=True)

    assert [line.split(":")[0] for line in out.splitlines() if line.startswith("gate")] == [
        "gate passed", "gate failed", "gate passed",
    ]  # fmt: skip
    assert "without /subject/authentication: second_step_open allows 18 that it denied" in out


def test_a_tenants_decisions_are_replayed_from_the_command_line(
    scope: None, ask: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conductor.management.commands.policy_simulate.tenant_id_for_slug", lambda slug: NORTHWIND)
    ask(resource=ask.resource(service="payments"))
    (tmp_path / "freeze.rego").write_text(FREEZE.format(name="freeze"), encoding="utf-8")
    (tmp_path / "data.json").write_text(json.dumps({"freeze": {"frozen": ["payments"]}}), encoding="utf-8")

    out = simulate(tenant="northwind", rego=[tmp_path / "freeze.rego"], data=tmp_path / "data.json", json=True)

    result = json.loads(out)
    assert result["counts"] == {"allow_to_deny": 1}
    assert result["gate"] == "passed"


def test_a_decision_log_is_replayed_without_a_database(scope: None, ask: Asked, tmp_path: Path) -> None:
    ask()
    events = [event_of(row) for row in PolicyDecision.objects.all()]
    (tmp_path / "log.ndjson").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    (tmp_path / "nobody.rego").write_text(NOBODY.format(name="nobody"), encoding="utf-8")

    out = simulate(log=tmp_path / "log.ndjson", rego=[tmp_path])

    assert "allow -> nobody.closed" in out
    assert recorded(PolicyDecision.objects.get()).codes == ()


def test_the_command_fails_when_the_gate_does(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "decision_id": each.id,
                "timestamp": each.decided_at,
                "input": each.input,
                "input_digest": each.input_digest,
                "action": each.action,
                "result": {"allow": each.allow, "deny": [{"code": code} for code in each.codes]},
            }
        )
        for each in DECISIONS
    ]
    (tmp_path / "log.ndjson").write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(CommandError, match="removals of an attribute allow what was denied"):
        simulate(log=tmp_path / "log.ndjson", rego=[example.FOLDER / "second_step_open.rego"])
    with pytest.raises(CommandError, match="4 denials would be allowed"):
        simulate(log=tmp_path / "log.ndjson", rego=[example.FOLDER / "resolve_looser.rego"], fail_on_allow=True)
    (tmp_path / "log.ndjson").write_text("{}", encoding="utf-8")
    with pytest.raises(CommandError, match="no decision log"):
        simulate(log=tmp_path / "log.ndjson", rego=[example.FOLDER / "second_step_open.rego"])
