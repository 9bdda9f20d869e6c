"""A tenant's own rules: they restrict and never widen, and whatever goes wrong with them is a denial on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.policy import decisions, tenant_rules
from conductor.policy.backends import active_engine
from conductor.policy.bundle import bundle_of, policy_bundle
from conductor.policy.decisions import judge
from conductor.policy.models import PolicyDecision
from conductor.policy.tenant_rules import OwnRules, TenantRules, reasons_of
from tests.policy.asking import Asked
from tests.policy.documents import ACTIONS, CASES, OPTIONAL, OTHER_TENANT, TENANT, sound, without
from tests.policy.own_rules import ENDLESS, FREEZE, MFA, NOBODY, OPEN_HANDED, rules
from tests.world import NORTHWIND

Install = Callable[..., TenantRules]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put rules in force without an upload, so that each test names the rules that it is about."""

    def put(rego: str, **more: Any) -> TenantRules:
        made = rules(rego, **more)
        monkeypatch.setattr(decisions, "rules_in_force", lambda action: made)
        return made

    return put


def test_a_tenants_rules_deny_what_the_built_in_ones_allow(scope: None, ask: Asked, install: Install) -> None:
    own = install(FREEZE, name="freeze", data={"frozen": ["payments"]})

    allowed = ask(resource=ask.resource(service="search"))
    denied = ask(resource=ask.resource(service="payments"))

    assert allowed.allow
    assert (denied.allow, denied.codes) == (False, ["freeze.frozen"])
    assert denied.reasons == ["Deployments are frozen; declare with the release team."]
    row = denied.record
    assert row is not None
    assert row.tenant_digest == own.digest == bundle_of({"tenant/freeze.rego": FREEZE.format(name="freeze")}).digest
    assert row.tenant_policies == [{"name": "freeze", "version": 1, "digest": own.policies[0].digest}]
    assert row.data_digest == sha256_hex(canonical_json({"tenant_data": {"freeze": {"frozen": ["payments"]}}}))
    assert row.bundle_digest == policy_bundle().digest


def test_an_allow_in_a_tenants_rules_allows_nothing(
    scope: None, ask: Asked, install: Install, actor: Any, cleo: Any
) -> None:
    install(OPEN_HANDED)

    assert ask().allow
    assert ask(actor=actor(cleo)).codes == ["respond_permission_missing"]


def test_what_the_built_in_rules_deny_never_reaches_a_tenants_rules(
    scope: None, ask: Asked, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(NOBODY)
    monkeypatch.setattr(decisions, "reasons_of", lambda *args, **kwargs: pytest.fail("asked"))

    assert ask(resource=ask.resource(tenant=uuid4())).codes == ["tenant_mismatch"]
    assert ask(resource=ask.resource(severity=3)).codes == ["policy_input_invalid"]


@pytest.mark.parametrize(
    ("rego", "said"),
    [
        ("package tenant.{name}\n\ndeny if {{", "own.rego:3"),
        ("package tenant.other\n\ndeny := set()", "no set named deny"),
        ('package tenant.{name}\n\ndeny := "no"', "is not a set"),
        ('package tenant.{name}\n\ndeny := {{"because"}}', "without a code or a message"),
        ('package tenant.{name}\n\ndeny := {{{{"code": "", "message": "No."}}}}', "without a code or a message"),
        ("package tenant.{name}\n\ndeny := 1 / 0", "divide by zero"),
        (ENDLESS, "did not answer in time"),
    ],
)
def test_rules_that_fail_deny_and_the_record_says_why(
    scope: None, ask: Asked, install: Install, monkeypatch: pytest.MonkeyPatch, rego: str, said: str
) -> None:
    monkeypatch.setattr(tenant_rules, "SECONDS", 1.0)
    install(rego)

    decision = ask()

    assert (decision.allow, decision.codes) == (False, ["policy_tenant_rules_failed"])
    row = PolicyDecision.objects.get()
    assert not row.allow
    assert said in row.reasons[0]["error"]
    assert said not in decision.reasons[0]


def test_nobody_can_be_locked_out_of_retiring_the_rules(scope: None) -> None:
    assert tenant_rules.rules_in_force(action="policy.retire") == TenantRules()


def test_two_policies_speak_each_in_its_own_name() -> None:
    both = TenantRules(
        tuple(OwnRules(name, 1, "d", text.format(name=name), {}) for name, text in (("mfa", MFA), ("nobody", NOBODY)))
    )

    (said,) = reasons_of(both, [sound("incidents.declare")], tenant="t", seconds=20)

    assert [reason.code for reason in said] == ["mfa.mfa_required", "nobody.closed"]  # type: ignore[union-attr]


_FORGED = "package conductor.basis\n\nmet := true\n\ndeny := set()\n"
_TEXTS = st.sampled_from([FREEZE, NOBODY, MFA, OPEN_HANDED, _FORGED, "package tenant.{name}\n\ndeny := set()"])
_DOCUMENTS = st.sampled_from([(action, None) for action in ACTIONS] + [(action, path) for action, path in CASES])


@settings(max_examples=150, deadline=None)
@given(
    rego=_TEXTS,
    case=_DOCUMENTS,
    strength=st.sampled_from(["mfa", "password"]),
    service=st.sampled_from(["payments", "search"]),
    tenant=st.sampled_from([TENANT, OTHER_TENANT]),
)
def test_a_tenants_rules_never_turn_a_denial_into_an_allowance(
    rego: str, case: tuple[str, tuple[str, ...] | None], strength: str, service: str, tenant: str
) -> None:
    action, removed = case
    document = sound(action)
    document["subject"].update(authentication=strength, tenant=tenant)
    document["resource"]["service"] = service
    document = without(document, removed) if removed else document

    def judged(own: TenantRules) -> bool:
        asked = {"document": document, "problems": [], "bundle": policy_bundle(), "engine": active_engine()}
        return judge(**asked, own=own, tenant_id=NORTHWIND).allow

    alone, restricted = judged(TenantRules()), judged(rules(rego, data={"frozen": ["payments"]}))
    assert restricted <= alone  # False is less than True
    assert not alone or (removed in OPTIONAL and tenant == TENANT) or (removed is None and tenant == TENANT)
