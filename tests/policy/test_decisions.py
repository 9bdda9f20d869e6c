from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.policy import decisions
from conductor.policy.bundle import bundle_of, policy_bundle
from conductor.policy.decisions import STATE_CODES, Decision, PolicyDenied, keep_refusal, require
from conductor.policy.engine import RegorusEngine, compile_bundle
from conductor.policy.models import PolicyBundle, PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.policy.asking import INCIDENT, Asked
from tests.policy.documents import ACTIONS, CONTEXTS, RESOURCES
from tests.world import GLOBEX, NORTHWIND, NOW

REGO = settings.BASE_DIR / "conductor/policy/rego"

MakeActor = Callable[..., Actor]


def test_an_allowed_action_leaves_a_row_that_says_what_was_asked_and_by_which_rules(scope: None, ask: Asked) -> None:
    decision = ask()

    assert (decision.allow, decision.reasons, decision.codes) == (True, [], [])
    row = PolicyDecision.objects.get()
    assert row == decision.record
    assert (row.action, row.allow, row.reasons, row.subject) == ("incidents.declare", True, [], INCIDENT)
    assert row.actor == ask.arguments["actor"].ref
    assert row.path == "data.conductor.incidents.declare"
    assert (row.decided_at, row.tenant_id) == (NOW, NORTHWIND)
    assert (row.engine, row.engine_version) == ("regorus", "0.13.0")
    assert row.duration_us > 0
    assert row.input["subject"]["tenant"] == row.input["resource"]["tenant"] == str(NORTHWIND)
    assert row.input["resource"]["kind"] == "incidents.incident"
    assert row.input_digest == sha256_hex(canonical_json(row.input))


def test_the_rules_of_a_decision_are_kept_once_and_still_have_its_digest(scope: None, ask: Asked) -> None:
    ask()
    ask()

    bundle = PolicyBundle.objects.get()
    assert bundle_of(bundle.files).digest == bundle.digest == policy_bundle().digest
    assert set(PolicyDecision.objects.values_list("bundle_digest", flat=True)) == {bundle.digest}


def test_a_decision_costs_four_statements_and_a_savepoint(
    scope: None, ask: Asked, django_assert_num_queries: Callable[..., AbstractContextManager[Any]]
) -> None:
    ask()

    with django_assert_num_queries(6):
        ask()


def test_a_refusal_says_what_to_do_and_leaves_a_row(scope: None, ask: Asked, actor: MakeActor, cleo: User) -> None:
    with pytest.raises(PolicyDenied) as denied:
        ask(require, actor=actor(cleo), resource=ask.resource(severity="SEV9"))

    row = PolicyDecision.objects.get()
    assert (denied.value.code, denied.value.status) == ("policy_denied", 403)
    assert denied.value.decision.record == row
    assert [reason["code"] for reason in row.reasons] == ["respond_permission_missing", "severity_unknown"]
    assert denied.value.detail == " ".join(reason["message"] for reason in row.reasons)
    assert "Ask an admin for the responder role." in denied.value.detail


def test_the_row_of_a_refusal_outlives_the_refused_verb(committed: None, tenant: Tenant, ben: User) -> None:
    asked = Asked(Actor(f"tenancy.user:{ben.pk}", "Ben", ("RESPONDER",), "slack", frozenset()))

    with tenant_scope(tenant.id):  # the door
        try:
            asked(require)
            with transaction.atomic():  # the verb, never reached
                raise AssertionError
        except PolicyDenied as refused:
            kept = refused.decision.record

    with tenant_scope(tenant.id):
        assert PolicyDecision.objects.get() == kept
        assert not PolicyDecision.objects.get().allow


def test_a_refusal_that_left_its_scope_can_be_written_again_once(committed: None, tenant: Tenant, ben: User) -> None:
    asked = Asked(Actor(f"tenancy.user:{ben.pk}", "Ben", ("RESPONDER",), "engine", frozenset()))

    with pytest.raises(PolicyDenied) as denied, tenant_scope(tenant.id):  # a step, whose scope the refusal leaves
        asked(require)
    with tenant_scope(tenant.id):
        assert not PolicyDecision.objects.exists()

    keep_refusal(denied.value)
    keep_refusal(denied.value)
    with tenant_scope(tenant.id):
        row = PolicyDecision.objects.get()
        assert row.id == denied.value.decision.record.id  # type: ignore[union-attr]
        assert [reason["code"] for reason in row.reasons] == ["respond_permission_missing"]
        assert PolicyBundle.objects.filter(digest=row.bundle_digest).exists()


@pytest.mark.parametrize(
    "rules",
    [
        "package conductor.incidents.declare\n\nallow if {",
        "package conductor.incidents.declare\n\nallow := 1 / 0\n\ndeny := set()",
        "package conductor.somewhere.else\n\nallow := true\n\ndeny := set()",
        'package conductor.incidents.declare\n\nallow := "yes"\n\ndeny := set()',
    ],
)
def test_broken_rules_deny_and_the_record_says_why(
    scope: None, ask: Asked, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    broken = bundle_of({"declare.rego": rules})
    monkeypatch.setattr(decisions, "policy_bundle", lambda: broken)

    decision = ask()

    row = PolicyDecision.objects.get()
    assert not decision.allow
    assert not row.allow
    assert decision.codes == ["policy_engine_error"]
    assert row.reasons[0]["code"] == "policy_engine_error"
    assert row.reasons[0]["error"]
    assert row.reasons[0]["error"] not in decision.reasons[0]
    assert row.bundle_digest == broken.digest
    assert PolicyBundle.objects.get().files == {"declare.rego": rules}


def test_a_panicking_engine_denies_and_the_record_says_so(
    committed: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(Actor.system())
    engine, foreign = RegorusEngine(), compile_bundle(policy_bundle())
    monkeypatch.setattr(decisions, "active_engine", lambda: engine)
    answers: list[Decision] = []

    def in_another_thread() -> None:
        engine._local.engines = {policy_bundle().digest: foreign}
        try:
            with tenant_scope(tenant.id):
                answers.append(asked())
        finally:
            connection.close()

    thread = threading.Thread(target=in_another_thread)
    thread.start()
    thread.join()

    with tenant_scope(tenant.id):
        row = PolicyDecision.objects.get()
    assert [answer.codes for answer in answers] == [["policy_engine_error"]]
    assert "unsendable" in row.reasons[0]["error"]


@pytest.mark.parametrize("action", ACTIONS)
def test_no_attribute_of_the_resource_can_be_left_out(scope: None, ask: Asked, action: str) -> None:
    actor = Actor.system(channel="console")
    whole: dict[str, Any] = {**RESOURCES[action], "tenant": NORTHWIND}
    context = {**CONTEXTS[action]}
    if context["four_eyes"]["required"]:
        context["four_eyes"] = {**context["four_eyes"], "approved_by": actor.ref}
    assert ask(action=action, actor=actor, resource=whole, context=context).allow

    spared = {"kind", "commander"}  # told by the reference; needed by nobody who holds "command"
    for name in set(whole) - spared:
        lacking = {key: value for key, value in whole.items() if key != name}
        decision = ask(action=action, actor=actor, resource=lacking, context=context)
        assert decision.codes == ["policy_input_invalid"], name
        assert f"resource.{name}" in decision.record.reasons[0]["error"]  # type: ignore[union-attr]


def test_what_cannot_be_told_exactly_denies_and_is_on_record(scope: None, ask: Asked) -> None:
    decision = ask(resource=ask.resource(note="a\x00b", score=float("nan"), handle=object()))

    row = PolicyDecision.objects.get()
    assert decision.codes == ["policy_input_invalid"]
    for name in ("note", "score", "handle"):
        assert f"resource.{name}" in row.reasons[0]["error"]


def test_an_action_that_policy_does_not_know_is_denied(scope: None, ask: Asked) -> None:
    for action in ("incidents.delete", "", "incidents.declare; allow := true"):
        assert ask(action=action).codes == ["policy_input_invalid"]

    assert PolicyDecision.objects.filter(allow=False).count() == 3


def test_another_tenants_resource_is_denied(scope: None, ask: Asked) -> None:
    assert ask(resource=ask.resource(tenant=GLOBEX)).codes == ["tenant_mismatch"]


def test_what_is_not_on_record_is_not_allowed(scope: None, ask: Asked) -> None:
    # Northwind's scope is open: row-level security refuses a row of Globex.
    decision = ask(tenant_id=GLOBEX)

    assert (decision.allow, decision.codes, decision.record) == (False, ["policy_record_failed"], None)
    with pytest.raises(PolicyDenied, match="could not be recorded"):
        ask(require, tenant_id=uuid4())
    # The caller's transaction is still usable, and empty of decisions.
    assert not PolicyDecision.objects.exists()
    assert ask().allow


def test_without_a_tenants_scope_nothing_is_allowed(tenant: Tenant, ask: Asked) -> None:
    decision = ask()

    assert (decision.allow, decision.codes) == (False, ["policy_record_failed"])


def test_a_decision_is_never_changed_or_removed(scope: None, ask: Asked) -> None:
    row = ask().record
    assert row is not None

    for change in (lambda: PolicyDecision.objects.update(allow=True), row.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert PolicyDecision.objects.get().allow


def test_the_rules_of_a_decision_are_never_changed_or_removed(scope: None, ask: Asked) -> None:
    ask()
    kept = PolicyBundle.objects.get()

    for change in (lambda: PolicyBundle.objects.update(files={}), kept.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert PolicyBundle.objects.get().files == dict(policy_bundle().files)


def test_another_tenant_sees_no_decision(scope: None, ask: Asked, other_tenant: Tenant) -> None:
    ask()

    with tenant_scope(other_tenant.id):
        assert not PolicyDecision.objects.exists()


@pytest.mark.fault("api-F13")
@pytest.mark.parametrize(
    ("codes", "answer"),
    [
        (["incident_not_acknowledged"], ("state_conflict", 409)),
        (["bundle_empty", "receipt_unsequenced"], ("state_conflict", 409)),
        (["bundle_empty", "seal_permission_missing"], ("policy_denied", 403)),
        (["a_rule_of_their_own"], ("policy_denied", 403)),
        ([], ("policy_denied", 403)),
    ],
)
def test_a_denial_for_the_records_state_alone_is_a_conflict(codes: list[str], answer: tuple[str, int]) -> None:
    denied = PolicyDenied(Decision(allow=False, reasons=["Why."] * len(codes), codes=codes, record=None))

    assert (denied.code, denied.status) == answer


@pytest.mark.fault("api-F13")
def test_each_code_of_a_state_is_one_of_the_built_in_rules() -> None:
    rules = "".join(each.read_text(encoding="utf-8") for each in REGO.glob("*.rego"))

    assert [code for code in STATE_CODES if f'"code": "{code}"' not in rules] == []
