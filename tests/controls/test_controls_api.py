"""The API of controls: reading, binding, starting a verification; strangers, auditors and bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conductor.engine.models import Run
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults
from tests.evidence.calling import caller
from tests.evidence.driving import backup_adapter

Call = Callable[..., Any]


@pytest.fixture
def call(tenant: Tenant) -> Call:
    return caller(tenant)


def test_the_catalogue_is_listed_by_framework_and_word(call: Call, cleo: User) -> None:
    listed = call("get", "/controls", user=cleo, query={"framework": "SOC2", "q": "recovery"}).json()

    assert [control["alias"] for control in listed] == ["SOC2_CC7.5", "SOC2_A1.2", "SOC2_A1.3"]
    assert len(call("get", "/controls", user=cleo).json()) == 478


def test_a_control_comes_with_its_bindings_and_mappings(call: Call, tenant: Tenant, cleo: User) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())

    control = call("get", "/controls/ISO_27001_A_8.13", user=cleo).json()

    assert (control["key"], control["framework"]) == ("ISO27001_2022_A_8.13", "ISO27001_2022")
    assert [(each["workflow"], each["part"]) for each in control["bindings"]] == [
        ("controls.backup_restore_verification", "PRIMARY")
    ]
    assert [each["control"] for each in control["mapped"]] == ["NIST_800_53_CP-9"]


def test_coverage_comes_with_what_it_is_out_of(call: Call, tenant: Tenant, cleo: User) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())

    coverage = {each["framework"]: each for each in call("get", "/controls/coverage", user=cleo).json()}

    assert coverage["NIST80053_R5"]["controls"] == 300
    assert coverage["SOC2_2017"] == {
        "framework": "SOC2_2017",
        "controls": 61,
        "primary": 5,
        "supporting_only": 5,
        "uncovered": 51,
    }


def test_a_commander_binds_a_workflow(call: Call, cora: User) -> None:
    body = {"workflow": "controls.backup_restore_verification", "part": "PRIMARY", "environment": "production"}

    made = call("post", "/controls/SOC2_A1.3/bindings", user=cora, body=body)

    assert (made.status_code, made.json()["environment"]) == (201, "production")
    again = call("post", "/controls/SOC2_A1.3/bindings", user=cora, body=body)
    assert (again.status_code, again.json()["code"]) == (409, "workflow_already_bound")


def test_a_verification_is_started_and_can_be_followed(call: Call, tenant: Tenant, cora: User) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
        backup_adapter(tenant, Environment.objects.get(slug="production"))

    started = call("post", "/controls/restore-verifications", user=cora, body={"environment": "production"})

    assert (started.status_code, started.json()["workflow"]) == (201, "controls.backup_restore_verification")
    assert call("get", f"/runs/{started.json()['number']}", user=cora).json()["status"] == "QUEUED"


def test_the_same_idempotency_key_starts_one_verification(call: Call, tenant: Tenant, cora: User) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
        backup_adapter(tenant, Environment.objects.get(slug="production"))
    send = caller(tenant, token_of=cora)

    for _time in range(2):
        answer = send(
            "post", "/controls/restore-verifications", body={"environment": "production"}, **{"Idempotency-Key": "q4"}
        )
        assert answer.status_code == 201

    with tenant_scope(tenant.id):
        assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 422, "invalid", "environment"),
        ({"environment": "moon"}, 422, "invalid", "environment"),
        ({"environment": "production"}, 409, "no_backup_adapter", ""),
    ],
)
def test_a_verification_that_cannot_start_says_why(
    call: Call, cora: User, body: dict[str, str], status: int, code: str, field: str
) -> None:
    answer = call("post", "/controls/restore-verifications", user=cora, body=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not field or field in answer.json()["fields"]


def test_an_unknown_control_is_404(call: Call, cleo: User) -> None:
    answer = call("get", "/controls/SOC2_A9.9", user=cleo)

    assert (answer.status_code, answer.json()["code"]) == (404, "control_unknown")


def test_an_auditor_writes_nothing(call: Call, cleo: User) -> None:
    body = {"workflow": "controls.backup_restore_verification", "part": "PRIMARY"}
    for path, payload in (
        ("/controls/SOC2_A1.2/bindings", body),
        ("/controls/restore-verifications", {"environment": "production"}),
    ):
        answer = call("post", path, user=cleo, body=payload)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")


def test_a_stranger_finds_nothing(call: Call, max_: User, other_tenant: Tenant) -> None:
    for path in ("/controls", "/controls/SOC2_A1.2", "/controls/coverage"):
        assert call("get", path, user=max_, of=other_tenant).status_code == 404


@pytest.mark.fault("api-F10")
def test_the_catalogue_says_which_workflow_serves_a_control_and_a_binding_can_end(
    call: Call, tenant: Tenant, cora: User, cleo: User
) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
    served = call("get", "/controls", user=cleo, query={"framework": "SOC2", "bound": "true"}).json()
    lacking = call("get", "/controls", user=cleo, query={"framework": "SOC2", "bound": "false"}).json()
    everything = call("get", "/controls", user=cleo, query={"framework": "SOC2"}).json()
    assert served and lacking and len(served) + len(lacking) == len(everything)
    workflows = {each["alias"]: each["workflows"] for each in served}
    assert "controls.backup_restore_verification" in workflows["SOC2_A1.2"]
    assert not any(each["workflows"] for each in lacking)

    detail = call("get", "/controls/SOC2_A1.2", user=cleo).json()
    binding = next(each for each in detail["bindings"] if each["workflow"] == "controls.backup_restore_verification")
    path = f"/controls/SOC2_A1.2/bindings/{binding['id']}"
    assert call("delete", path, user=cora).status_code == 422, "a reason is asked for"
    assert call("delete", f"{path}?reason=x", user=cleo).status_code == 403
    assert call("delete", path.replace("SOC2_A1.2", "SOC2_CC6.1") + "?reason=x", user=cora).status_code == 404
    ended = call("delete", f"{path}?reason=Moved+to+another+tool", user=cora)
    assert (ended.status_code, ended.json()["valid_to"] is None) == (200, False)
    assert call("delete", f"{path}?reason=again", user=cora).json()["code"] == "binding_ended"
    after = call("get", "/controls", user=cleo, query={"framework": "SOC2"}).json()
    assert "controls.backup_restore_verification" not in next(
        each["workflows"] for each in after if each["alias"] == "SOC2_A1.2"
    )
    with tenant_scope(tenant.id):
        assert Receipt.objects.get(action="controls.workflow.unbound").body["reason"] == "Moved to another tool"


@pytest.mark.fault("api-F10")
def test_the_catalogue_is_read_in_as_many_queries_however_long_it_is(call: Call, cleo: User) -> None:
    counted = []
    for framework in ("SOC2", ""):
        with CaptureQueriesContext(connection) as asked:
            rows = call("get", "/controls", user=cleo, query={"framework": framework}).json()
        counted.append((len(rows), len(asked)))

    (few, queries_few), (many, queries_many) = counted
    assert many > 2 * few
    assert queries_many == queries_few
