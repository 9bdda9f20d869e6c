"""Scopes are named, and nothing that a caller sends is passed over in silence."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conductor.api.document.operations import operations_of
from conductor.api.inputs import Input
from conductor.api.requests.strictness import LENIENT
from conductor.api.v1 import api
from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import SCOPES
from tests.browsing import Browser

BASE = "/api/v1/tenants/northwind"


def _program(user: User, tenant: Tenant, scopes: list[str]) -> Client:
    with tenant_scope(tenant.id):
        issued = issue_token(membership=Membership.objects.get(user=user), name="t", scopes=scopes, now=now())
    return Browser(headers={"Authorization": f"Bearer {issued.secret}"})


@pytest.fixture
def program(tenant: Tenant, ana: User) -> Client:
    return _program(ana, tenant, list(SCOPES))


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    ]


def _scoped() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every operation but the one that tells a token who it is, which needs no scope."""
    return [each for each in _operations() if each[0] != "/api/v1/tenants/{tenant}/me"]


def _scopes(operation: dict[str, Any]) -> tuple[str, ...]:
    return tuple(scope for each in operation["security"] if each for scope in each["BearerToken"])


@pytest.mark.fault("api-F8")
def test_every_operation_refuses_a_token_without_its_scopes_and_names_them(tenant: Tenant, ana: User) -> None:
    assert all(_scopes(found) for _, _, found in _scoped())
    for scopes in {_scopes(found) for _, _, found in _scoped()}:
        program = _program(ana, tenant, [each for each in SCOPES if each not in scopes])
        for path, method, operation in _scoped():
            if _scopes(operation) != scopes:
                continue
            address = re.sub(r"{(\w+)}", lambda part: "northwind" if part[1] == "tenant" else "1", path)
            answer = program.generic(method.upper(), address, "{}", "application/json")
            what = operation["operationId"]
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), what
            assert all(each in answer.json()["detail"] for each in scopes), what
            assert f'scope="{" ".join(scopes)}"' in answer["WWW-Authenticate"], what


@pytest.mark.fault("api-F8")
def test_no_operation_is_documented_as_open_to_all_and_each_refuses_a_request_without_a_token(tenant: Tenant) -> None:
    for number, (path, method, operation) in enumerate(_operations()):
        what = operation["operationId"]
        assert operation["security"], what
        assert "BearerToken" in operation["security"][0], what
        if {} in operation["security"]:
            continue  # A secret in the body identifies the caller, which tests/alerts tries.
        address = re.sub(r"{(\w+)}", lambda part: "northwind" if part[1] == "tenant" else "1", path)
        # From its own address each, as failures are counted by address.
        origin = f"2001:db8:{number:x}::1"
        answer = Browser().generic(method.upper(), address, "{}", "application/json", REMOTE_ADDR=origin)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), what
        assert answer["WWW-Authenticate"].startswith("Bearer"), what


@pytest.mark.fault("api-F8")
@pytest.mark.parametrize("scope", ["incidents:write", "adapters:write"])
def test_what_a_member_may_not_do_is_told_apart_from_what_a_token_may_not(
    tenant: Tenant, cleo: User, ana: User, scope: str
) -> None:
    declared = {"title": "T", "severity": "SEV3"}
    source = {"name": "grafana-eu", "shape": "GRAFANA"}
    path, body = ("incidents", declared) if scope == "incidents:write" else ("alerts/sources", source)

    def code(user: User, scopes: list[str]) -> Any:
        answer = _program(user, tenant, scopes).post(f"{BASE}/{path}", body, content_type="application/json")
        return answer.status_code, answer.json().get("code")

    assert code(cleo, list(SCOPES)) == (403, "permission_missing")
    assert code(ana, [each for each in SCOPES if each != scope]) == (403, "insufficient_scope")
    assert code(ana, [scope])[0] == 201


@pytest.mark.fault("api-F9")
def test_every_get_refuses_a_parameter_that_it_does_not_know(program: Client) -> None:
    listed = [path for path, method, _ in _operations() if method == "get" and path.count("{") == 1]
    assert len(listed) > 15
    for path in listed:
        answer = program.get(path.replace("{tenant}", "northwind"), {"sort": "title", "bogus": "1"})
        if set(answer.json().get("fields", {})) == {"old_size"}:
            continue
        assert (answer.status_code, set(answer.json()["fields"])) == (422, {"bogus", "sort"}), path
        assert "bogus" in answer.json()["detail"]


@pytest.mark.fault("api-F9")
def test_every_body_of_ours_refuses_a_field_that_it_does_not_know() -> None:
    bodies = {
        each.annotation
        for operation in operations_of(api)
        if operation.operation_id not in LENIENT
        for model in operation.models
        if model.__ninja_param_source__ == "body"
        for each in model.model_fields.values()
    }
    assert len(bodies) > 30
    lenient = [each for each in bodies if isinstance(each, type) and not issubclass(each, Input)]
    assert lenient == []


@pytest.mark.fault("api-F9")
def test_a_field_with_a_typing_error_is_named_and_nothing_is_declared(program: Client) -> None:
    body = {"title": "T", "severity": "SEV3", "sevrity": "SEV1"}

    answer = program.post(f"{BASE}/incidents", body, content_type="application/json")

    assert (answer.status_code, answer.json()["fields"]) == (422, {"sevrity": ["There is no such field."]})
    assert program.get(f"{BASE}/incidents").json()["items"] == []


@pytest.mark.fault("api-F9")
@pytest.mark.parametrize("path", ["incidents", "bundles", "runs", "receipts", "policy/rules", "policy/simulations"])
@pytest.mark.parametrize("limit", ["-1", "0", "201", "999999999"])
def test_a_limit_out_of_bounds_is_refused_by_every_list(program: Client, path: str, limit: str) -> None:
    answer = program.get(f"{BASE}/{path}", {"limit": limit})

    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"limit"})


@pytest.mark.fault("api-F9")
@pytest.mark.parametrize("content_type", ["text/plain", "", "application/xml", "application/json; charset=utf-16"])
@pytest.mark.parametrize("path", ["incidents", "graph/imports", "runs/1/cancellation"])
def test_a_body_of_another_media_type_is_415(program: Client, path: str, content_type: str) -> None:
    bodies = {"incidents": {"title": "T", "severity": "SEV3"}, "graph/imports": {"nodes": []}}
    answer = program.generic("POST", f"{BASE}/{path}", json.dumps(bodies.get(path, {})), content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.fault("api-F9")
def test_a_body_that_nobody_reads_and_a_part_that_no_form_has_are_refused(program: Client) -> None:
    retry = program.post(f"{BASE}/runs/1/retry", {"step": 3}, content_type="application/json")
    part = program.post(f"{BASE}/bundles/1/artifacts", {"file": _file(), "pth": "a.txt"})

    assert (retry.status_code, set(retry.json()["fields"])) == (422, {"body"})
    assert (part.status_code, set(part.json()["fields"])) == (422, {"pth"})


@pytest.mark.fault("api-F9")
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", "text/plain", ""])
def test_an_operation_without_a_body_takes_an_empty_one_of_any_media_type(program: Client, content_type: str) -> None:
    empty = program.generic("POST", f"{BASE}/runs/1/retry", "", content_type)
    full = program.generic("POST", f"{BASE}/runs/1/retry", "step=3", content_type)

    assert (empty.status_code, full.status_code) == (404, 422)


@pytest.mark.fault("api-F9")
def test_a_form_of_several_parts_is_no_empty_body(program: Client) -> None:
    assert program.post(f"{BASE}/runs/1/retry", {"file": _file()}).status_code == 422


@pytest.mark.fault("api-F9")
def test_a_bundle_is_evidence_for_something(program: Client) -> None:
    body = {"title": "Q3", "controls": [], "effective_from": "2026-07-01T00:00:00Z"}

    answer = program.post(f"{BASE}/bundles", body, content_type="application/json")

    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"controls"})


@pytest.mark.fault("api-F5")
def test_the_document_describes_every_body_and_every_download() -> None:
    described = {found["operationId"]: found for _, _, found in _operations()}

    assert set(described["import_graph"]["requestBody"]["content"]) == {"application/json", "text/csv"}
    for name, found in described.items():
        for status, response in found["responses"].items():
            assert status == 204 or response.get("content"), f"{name} {status}"


def _file() -> Any:
    return SimpleUploadedFile("a.txt", b"a", "text/plain")
