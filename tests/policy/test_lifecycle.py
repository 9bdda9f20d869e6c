"""A tenant's own rules: uploaded by one person, put in force by another, taken out by one with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, transaction

from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.policy import lifecycle, uploads
from conductor.policy.decisions import PolicyDenied
from conductor.policy.lifecycle import PolicyMoved, TooManyPolicies, activate_policy, retire_policy, upload_policy
from conductor.policy.models import PolicyDecision, TenantPolicy
from conductor.policy.sandbox import SandboxTimeout
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from conductor.tenancy.roles import PERMISSIONS
from tests.policy.asking import Asked
from tests.policy.own_rules import ENDLESS, FREEZE, MFA, NOBODY
from tests.world import GLOBEX, NORTHWIND, NOW

MakeActor = Callable[..., Actor]
Upload = Callable[..., TenantPolicy]

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def upload(actor: MakeActor, ana: User) -> Upload:
    """Ana uploads the change freeze, or what the call changes of it."""

    def make(rego: str = FREEZE, *, name: str = "freeze", **changes: Any) -> TenantPolicy:
        given = {"purpose": "No changes in December.", "data": {"frozen": ["payments"]}, "actor": actor(ana)}
        text = rego.replace("{name}", name).replace("{{", "{").replace("}}", "}")
        return upload_policy(tenant_id=NORTHWIND, name=name, rego=text, now=NOW, **{**given, **changes})

    return make


@pytest.fixture
def activate(actor: MakeActor, cora: User) -> Callable[..., TenantPolicy]:
    """Cora, a commander, activates what she read."""

    def make(policy: TenantPolicy, **changes: Any) -> TenantPolicy:
        given = {"reviewed_digest": policy.digest, "actor": actor(cora), "now": NOW}
        return activate_policy(policy=policy, **{**given, **changes})

    return make


def test_a_draft_decides_nothing_and_an_active_version_does(
    upload: Upload, activate: Upload, ask: Asked, actor: MakeActor, ana: User, cora: User
) -> None:
    payments = ask.resource(service="payments")
    draft = upload()
    assert (draft.code, draft.state) == ("freeze v1", "DRAFT")
    assert ask(resource=payments).allow

    active = activate(draft)
    assert (active.state, active.activated_by, active.activated_at) == ("ACTIVE", actor(cora).ref, NOW)
    assert ask(resource=payments).codes == ["freeze.frozen"]

    retired = retire_policy(policy=active, reason="The freeze is over.", actor=actor(ana), now=NOW)
    assert (retired.state, retired.retired_by_name) == ("RETIRED", "Ana Admin")
    assert ask(resource=payments).allow
    acts = list(Receipt.objects.filter(subject=draft.ref).order_by("id").values_list("action", flat=True))
    assert acts == [f"conductor.tenant_policy.{verb}" for verb in ("uploaded", "activated", "retired")]


def test_the_receipt_of_an_activation_names_the_decision_and_its_digests(upload: Upload, activate: Upload) -> None:
    policy = activate(upload())

    decision = PolicyDecision.objects.get(action="policy.activate")
    receipt = Receipt.objects.get(action="conductor.tenant_policy.activated")
    assert receipt.links == [decision.ref]
    assert receipt.body["digest"] == policy.digest
    assert receipt.body["decision"] == {
        "ref": decision.ref,
        "policy_digest": decision.bundle_digest,
        "tenant_policy_digest": "",
        "data_digest": decision.data_digest,
        "input_digest": decision.input_digest,
    }


def test_nobody_approves_their_own_rules(upload: Upload, actor: MakeActor, ana: User) -> None:
    policy = upload()

    with pytest.raises(PolicyDenied) as denied:
        activate_policy(policy=policy, reviewed_digest=policy.digest, actor=actor(ana), now=NOW)

    assert denied.value.decision.codes == ["second_person_required"]
    policy.refresh_from_db()
    assert policy.state == "DRAFT"
    with pytest.raises(IntegrityError), transaction.atomic():  # the database holds it too
        TenantPolicy.objects.update(state="ACTIVE", activated_at=NOW, activated_by=policy.uploaded_by)


def test_an_approval_of_another_text_is_refused(upload: Upload, activate: Upload) -> None:
    first, second = upload(), upload(data={"frozen": ["payments", "search"]})

    with pytest.raises(PolicyDenied) as denied:
        activate(second, reviewed_digest=first.digest)

    assert denied.value.decision.codes == ["review_outdated"]


def test_an_approver_of_another_tenant_is_refused(upload: Upload, activate: Upload, other_tenant: Tenant) -> None:
    policy = upload()
    stranger = Actor("tenancy.user:99", "Max", ("ADMIN",), "console", frozenset(PERMISSIONS))

    with tenant_scope(GLOBEX), pytest.raises(PolicyDenied) as denied:
        activate(policy, actor=stranger)

    assert denied.value.decision.codes in (["tenant_mismatch"], ["policy_record_failed"])
    with tenant_scope(GLOBEX):
        assert not TenantPolicy.objects.exists()


@pytest.mark.parametrize("person", ["ben", "cora", "cleo"])
def test_only_an_admin_uploads(upload: Upload, actor: MakeActor, request: pytest.FixtureRequest, person: str) -> None:
    with pytest.raises(PermissionMissing, match="Only Admin"):
        upload(actor=actor(request.getfixturevalue(person)))


def test_a_new_version_takes_the_place_of_the_active_one_in_one_act(
    upload: Upload, activate: Upload, ask: Asked
) -> None:
    first = activate(upload())
    second = activate(upload(data={"frozen": ["search"]}))

    first.refresh_from_db()
    assert (first.state, first.retired_reason) == ("RETIRED", "Superseded by freeze v2.")
    assert second.version == 2
    assert ask(resource=ask.resource(service="payments")).allow
    assert ask(resource=ask.resource(service="search")).codes == ["freeze.frozen"]
    assert Receipt.objects.get(subject=first.ref, action__endswith=".retired").body["was"] == "ACTIVE"


def test_the_same_text_again_is_the_same_draft(upload: Upload) -> None:
    assert upload() == upload()
    assert TenantPolicy.objects.count() == Receipt.objects.filter(action__endswith=".uploaded").count() == 1


def test_whoever_comes_second_is_told(upload: Upload, activate: Upload, actor: MakeActor, ana: User) -> None:
    draft = upload()
    seen = TenantPolicy.objects.get(id=draft.id)
    activate(draft)

    with pytest.raises(PolicyMoved):
        activate(seen)  # the decision still saw a draft; the row is none any more
    with pytest.raises(PolicyMoved):
        retire_policy(policy=seen, reason="No longer needed.", actor=actor(ana), now=NOW)


def test_rules_that_lock_everybody_out_can_be_retired_by_one_person(
    upload: Upload, activate: Upload, ask: Asked, actor: MakeActor, ana: User
) -> None:
    policy = activate(upload(NOBODY, name="nobody"))
    assert ask().codes == ["nobody.closed"]

    retire_policy(policy=policy, reason="It locks everybody out.", actor=actor(ana), now=NOW)

    assert ask().allow


def test_the_rules_in_force_see_how_surely_somebody_signed_in(
    upload: Upload, activate: Upload, ask: Asked, actor: MakeActor, ben: User
) -> None:
    activate(upload(MFA, name="mfa"))

    assert ask().codes == ["mfa.mfa_required"]  # Ben comes from Slack
    assert ask(actor=Actor.system()).allow


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"rego": "package tenant.freeze\n\ndeny contains if {"}, "rego", "freeze.rego:3"),
        ({"rego": "package tenant.other\n\nimport rego.v1\n\ndeny := set()"}, "rego", "package tenant.freeze"),
        ({"rego": "package conductor.basis\n\nmet := true"}, "rego", "package tenant.freeze"),
        ({"rego": "package tenant.freeze\n\nallow := true"}, "rego", "can only deny"),
        ({"rego": 'package tenant.freeze\n\ndeny := {"no"}'}, "rego", "without a code or a message"),
        ({"rego": "package tenant.freeze\n\ndeny := 1 / 0"}, "rego", "divide by zero"),
        ({"rego": 'package tenant.freeze\n\ndeny := {http.send({"url": "x"})}'}, "rego", "http.send"),
        ({"rego": "package tenant.freeze\n\nx := json.nothing(1)\n\ndeny := {x}"}, "rego", "json.nothing"),
        ({"rego": "# " + "x" * uploads.REGO_BYTES}, "rego", "at most 65536"),
        ({"rego": "  "}, "rego", "Write the rules"),
        ({"rego": "package tenant.freeze\x00"}, "rego", "not text"),
        ({"name": "Freeze!"}, "name", "small letters"),
        ({"data": [1]}, "data", "JSON object"),
        ({"data": {"n": 2**60}}, "data", "exactly"),
        ({"data": {"n": "x" * uploads.DATA_BYTES}}, "data", "at most 65536"),
        ({"purpose": "  "}, "purpose", "what the rules are for"),
    ],
)
def test_what_cannot_be_trusted_is_refused_at_upload_in_the_engines_words(
    upload: Upload, changes: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        upload(**changes)

    assert list(invalid.value.fields) == [field]
    assert said in " ".join(invalid.value.fields[field])
    assert not TenantPolicy.objects.exists()


def test_rules_that_do_not_finish_are_refused_at_upload(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid) as invalid:
        upload(ENDLESS, name="endless")

    assert "did not answer in time" in invalid.value.fields["rego"][0]
    assert SandboxTimeout.__doc__


def test_at_most_twenty_are_asked(upload: Upload, activate: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "MOST_ACTIVE", 1)
    activate(upload())

    with pytest.raises(TooManyPolicies):
        activate(upload(MFA, name="mfa"))

    activate(upload(data={"frozen": []}))  # a new version is not one more


def test_the_database_keeps_every_version_as_it_was(upload: Upload, activate: Upload) -> None:
    policy = activate(upload())

    changes: list[Callable[[], object]] = [
        lambda: TenantPolicy.objects.update(rego="package tenant.freeze\n\ndeny := set()"),
        lambda: TenantPolicy.objects.update(state="DRAFT"),
        lambda: TenantPolicy.objects.update(uploaded_by="tenancy.user:0"),
        policy.delete,
    ]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_another_tenant_sees_no_rules_and_is_bound_by_none(
    upload: Upload, activate: Upload, other_tenant: Tenant
) -> None:
    activate(upload(NOBODY, name="nobody"))

    with tenant_scope(other_tenant.id):
        assert not TenantPolicy.objects.exists()
        asked = Asked(Actor.system())
        resource = asked.resource(tenant=GLOBEX)
        assert asked(tenant_id=GLOBEX, resource=resource).allow
