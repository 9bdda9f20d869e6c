"""Bindings: what a tenant states about workflows and controls, and what coverage follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls import lifecycle
from controls.lifecycle import (
    RESTORE_VERIFICATION,
    AlreadyBound,
    BindingEnded,
    NoBackupAdapter,
    NoControlBound,
    bind_defaults,
    bind_workflow,
    start_restore_verification,
    unbind_workflow,
)
from controls.models import Control, WorkflowBinding
from controls.selectors import (
    ControlUnknown,
    binding_coverage,
    bindings_of,
    control_by_id,
    controls_by_ids,
    controls_of,
    framework_by_id,
    live_bindings,
    mapped_controls,
)
from tests.evidence.driving import backup_adapter

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]


def _bind(tenant: Tenant, who: Actor, now: datetime, alias: str = "SOC2_A1.2", **given: object) -> WorkflowBinding:
    arguments = {"workflow": RESTORE_VERIFICATION, "part": "PRIMARY", **given}
    return bind_workflow(tenant_id=tenant.id, control=control_by_id(alias), actor=who, now=now, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SOC2_A1.2", "A1.2"),
        ("SOC2_2017_A1.2", "A1.2"),
        ("ISO_27001_A_8.13", "A.8.13"),
        ("ISO27001_2022_A_8.13", "A.8.13"),
        ("NIST80053_R5_CP-9", "CP-9"),
        ("NIST_800_53_CP-9", "CP-9"),
    ],
)
def test_a_control_is_found_by_key_and_by_alias(text: str, code: str) -> None:
    control = control_by_id(text)

    assert control.code == code
    assert control_by_id(str(control.id)) == control


@pytest.mark.parametrize("text", ["SOC2_A9.9", "A9.9", "", "SOC2"])
def test_what_means_no_control_is_unknown(text: str) -> None:
    with pytest.raises(ControlUnknown):
        control_by_id(text)
    with pytest.raises(Invalid):
        controls_by_ids(["SOC2_A1.2", text])


def test_controls_are_found_by_words_within_a_framework() -> None:
    found = controls_of(framework="ISO_27001", search="backup")

    assert [control.code for control in found] == ["A.8.13"]
    assert framework_by_id("SOC2") == framework_by_id("SOC2_2017")


def test_mappings_are_read_from_both_ends() -> None:
    towards = {mapped.control.alias for mapped in mapped_controls(control=control_by_id("NIST_800_53_CP-9"))}
    back = mapped_controls(control=control_by_id("ISO_27001_A_8.13"))

    assert towards == {"ISO_27001_A_5.29", "ISO_27001_A_5.33", "ISO_27001_A_8.13"}
    assert [(each.control.alias, each.relationship) for each in back] == [("NIST_800_53_CP-9", "intersects with")]


def test_binding_leaves_a_receipt_and_covers_the_control(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    binding = _bind(tenant, actor(cora), now)

    assert binding.valid_from == now
    receipt = Receipt.objects.get(action="controls.workflow.bound")
    assert receipt.subject == f"controls.control:{binding.control_id}"
    soc2 = next(each for each in binding_coverage() if each.framework.key == "SOC2_2017")
    assert (soc2.controls, soc2.primary, soc2.supporting_only, soc2.covered, soc2.uncovered) == (61, 1, 0, 1, 60)


def test_a_control_is_bound_to_a_workflow_once_at_a_time(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    binding = _bind(tenant, actor(cora), now)
    with pytest.raises(AlreadyBound):
        _bind(tenant, actor(cora), now, part="SUPPORTING")

    ended = unbind_workflow(binding=binding, actor=actor(cora), reason="Retired", now=now + timedelta(days=1))

    assert ended.valid_to == now + timedelta(days=1)
    with pytest.raises(BindingEnded):
        unbind_workflow(binding=binding, actor=actor(cora), reason="Again", now=now)
    again = _bind(tenant, actor(cora), now + timedelta(days=2), part="SUPPORTING")
    assert list(bindings_of(control=binding.control)) == [again, ended]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"workflow": "controls.unheard_of"}, "workflow"),
        ({"part": "SECONDARY"}, "part"),
        ({"frequency_days": 0}, "frequency_days"),
    ],
)
def test_a_binding_that_makes_no_sense_is_refused_by_field(
    tenant: Tenant, actor: Make, cora: User, now: datetime, given: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _bind(tenant, actor(cora), now, **given)

    assert list(refused.value.fields) == [field]


def test_the_database_holds_what_a_binding_may_be(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    binding = _bind(tenant, actor(cora), now)
    for change in ({"part": "SECONDARY"}, {"frequency_days": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WorkflowBinding.objects.filter(id=binding.id).update(**change)


@pytest.mark.parametrize("person", ["ben", "cleo"])
def test_only_those_who_run_controls_bind_them(
    tenant: Tenant, actor: Make, now: datetime, person: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(PermissionMissing):
        _bind(tenant, actor(request.getfixturevalue(person)), now)


def test_defaults_bind_what_is_registered_once(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    fresh = bind_defaults(tenant_id=tenant.id, actor=actor(cora), now=now)

    assert len(fresh) == 31
    assert {binding.workflow for binding in fresh} == {RESTORE_VERIFICATION, "evidence.incident_bundle"}
    assert bind_defaults(tenant_id=tenant.id, actor=actor(cora), now=now) == []
    assert len(Receipt.objects.get(action="controls.defaults.bound").body["bindings"]) == 31


def test_defaults_leave_alone_what_the_tenant_ended(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    ended = unbind_workflow(binding=_bind(tenant, actor(cora), now), actor=actor(cora), reason="No", now=now)

    fresh = bind_defaults(tenant_id=tenant.id, actor=actor(cora), now=now)

    assert (
        len(fresh),
        ended.control_id in {binding.control_id for binding in fresh if binding.workflow == ended.workflow},
    ) == (30, False)


def test_defaults_skip_workflows_that_this_process_does_not_know(
    tenant: Tenant, actor: Make, cora: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle.registry, "workflows", lambda: [])

    assert bind_defaults(tenant_id=tenant.id, actor=actor(cora), now=now) == []


def test_bindings_of_an_environment_include_those_of_every_environment(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    production, staging = (Environment.objects.get(slug=slug) for slug in ("production", "staging"))
    _bind(tenant, actor(cora), now)
    _bind(tenant, actor(cora), now, "SOC2_A1.3", environment=production)
    _bind(tenant, actor(cora), now, "SOC2_CC9.1", environment=staging)

    codes = [binding.control.code for binding in live_bindings(workflow=RESTORE_VERIFICATION, environment=production)]

    assert codes == ["A1.2", "A1.3"]


def test_a_verification_names_adapter_controls_and_targets(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    production = Environment.objects.get(slug="production")
    general = backup_adapter(tenant, None, name="A for all")
    own = backup_adapter(tenant, production, name="Z of its own")
    _bind(tenant, actor(cora), now)

    def start(**given: object) -> dict[str, object]:
        run = start_restore_verification(
            tenant_id=tenant.id,
            environment=production,
            actor=actor(cora),
            now=now,
            **given,  # type: ignore[arg-type]
        )
        return run.input

    assert start() == {
        "adapter_id": str(own.id),
        "adapter_name": "Z of its own",
        "controls": ["SOC2_2017_A1.2"],
        "rto_seconds": 3600,
        "rpo_seconds": 86400,
    }
    assert start(adapter_name="A for all")["adapter_id"] == str(general.id)
    assert start(rto=timedelta(minutes=5))["rto_seconds"] == 300


def test_a_verification_with_a_known_key_is_the_same_run(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    production = Environment.objects.get(slug="production")
    backup_adapter(tenant, production)
    _bind(tenant, actor(cora), now)
    arguments = {"tenant_id": tenant.id, "environment": production, "actor": actor(cora), "now": now, "dedup_key": "q4"}

    assert start_restore_verification(**arguments) == start_restore_verification(**arguments)


def test_a_verification_needs_an_enabled_adapter_and_a_control_that_asks(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    production = Environment.objects.get(slug="production")

    def start() -> None:
        start_restore_verification(tenant_id=tenant.id, environment=production, actor=actor(cora), now=now)

    with pytest.raises(NoBackupAdapter, match="Production"):
        start()
    adapter = backup_adapter(tenant, production)
    with pytest.raises(NoControlBound):
        start()
    _bind(tenant, actor(cora), now)
    adapter.enabled = False
    adapter.save()
    with pytest.raises(NoBackupAdapter):
        start()


def test_an_auditor_starts_no_verification(tenant: Tenant, actor: Make, cleo: User, now: datetime) -> None:
    with pytest.raises(PermissionMissing):
        start_restore_verification(
            tenant_id=tenant.id, environment=Environment.objects.all()[0], actor=actor(cleo), now=now
        )


def test_another_tenant_shares_the_catalogue_and_no_binding(
    tenant: Tenant, other_tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bind_defaults(tenant_id=tenant.id, actor=actor(cora), now=now)

    with tenant_scope(other_tenant.id):
        assert live_bindings() == []
        assert {each.covered for each in binding_coverage()} == {0}
        assert control_by_id("SOC2_A1.2").code == "A1.2"


@pytest.mark.fault("field-22")
def test_a_bare_code_will_do_where_one_framework_alone_has_it(db: None) -> None:
    """As people write them; where two frameworks share a code, the refusal names both."""
    codes = Counter(Control.objects.values_list("code", flat=True))
    alone = next(code for code, n in codes.items() if n == 1)

    assert control_by_id(alone).code == alone
    assert [each.code for each in controls_by_ids([alone, control_by_id(alone).alias])] == [alone]
    with pytest.raises(ControlUnknown, match="There is no control ZZ-1"):
        control_by_id("ZZ-1")
    shared = next((code for code, n in codes.items() if n > 1), None)
    if shared is not None:
        with pytest.raises(ControlUnknown, match="Several frameworks have"):
            control_by_id(shared)
