"""The OpenAPI document: checked in, of the code, and true. tests/contract.py holds every answer of every test to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory
from django.urls import resolve
from ninja import Router, Schema

from conductor.api.document.codes import all_codes, packages_of_ours
from conductor.api.document.locations import LOCATIONS
from conductor.api.document.names import NameShared, classes_of
from conductor.api.document.operations import operations_of
from conductor.api.v1 import ConductorAPI, api
from conductor.management.commands.write_openapi import page_of_codes
from tests import contract

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reference/openapi.json"
INCIDENT = "/api/v1/tenants/northwind/incidents/1"


def test_the_document_in_docs_is_the_api() -> None:
    """`make openapi` writes it again."""
    current = json.loads(json.dumps(api.get_openapi_schema(), default=str))

    assert json.loads(DOCUMENT.read_text()) == current


def test_every_operation_has_an_id_a_tag_and_its_problems() -> None:
    seen: set[str] = set()
    for path, method, operation in _operations():
        assert operation["operationId"] not in seen, path
        seen.add(operation["operationId"])
        assert operation["tags"] == list(dict.fromkeys(operation["tags"])), path
        assert {"401", "403", "404", "422", "500"} <= {str(status) for status in operation["responses"]}, path
        assert method != "post" or 415 in operation["responses"], path


@pytest.mark.fault("api-F1")
def test_no_path_ends_in_a_slash() -> None:
    assert [path for path in api.get_openapi_schema()["paths"] if path.endswith("/")] == []


@pytest.mark.fault("api-F4")
def test_no_two_classes_of_the_api_share_a_name() -> None:
    names = [each.__name__ for each in classes_of(operations_of(api))]

    assert len(names) > 100
    assert len(names) == len(set(names))


@pytest.mark.fault("api-F4")
@pytest.mark.parametrize("nested", [False, True])
def test_a_document_of_two_classes_with_one_name_is_refused(nested: bool) -> None:
    def made(**annotations: Any) -> Any:
        return type("TwinOut", (Schema,), {"__annotations__": annotations, "__module__": f"of.{len(annotations)}"})

    one, other = made(a=int), made(a=int, b=int)
    holder = type("HolderOut", (Schema,), {"__annotations__": {"twins": list[other]}, "__module__": "of.holder"})  # type: ignore[valid-type]
    router = Router()
    router.get("/one", response=one, operation_id="one")(lambda request: None)
    router.get("/other", response=holder if nested else other, operation_id="other")(lambda request: None)
    twins = ConductorAPI(urls_namespace=f"twins-{nested}")
    twins.add_router("/x", router)

    with pytest.raises(NameShared, match=r"TwinOut \(of\.1, of\.2\)"):
        twins.get_openapi_schema(path_prefix="")


@pytest.mark.fault("api-F4")
@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (JsonResponse({"number": 1}), "not of the documented shape"),
        (JsonResponse({}, status=299), "not documented"),
        (HttpResponse("<p>No", content_type="text/html", status=404), "is HTML"),
        (HttpResponse("{}", content_type="text/csv"), "documented are application/json"),
        (JsonResponse({"detail": "No."}, status=404), "documented are application/problem"),
        (JsonResponse({"detail": "No."}, status=404, content_type="application/problem+json"), "documented shape"),
    ],
)
def test_an_answer_that_is_not_documented_fails_its_test(answer: HttpResponse, complaint: str) -> None:
    request = RequestFactory().get(INCIDENT)
    request.resolver_match = resolve(INCIDENT)

    with pytest.raises(AssertionError, match=complaint):
        contract.check(request, answer)


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    ]


@pytest.mark.fault("api-F5")
def test_the_document_describes_every_body_and_every_download() -> None:
    described = {
        operation["operationId"]: operation
        for operations in api.get_openapi_schema()["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    }

    assert set(described["import_graph"]["requestBody"]["content"]) == {"application/json", "text/csv"}
    for name, found in described.items():
        for status, response in found["responses"].items():
            assert status == 204 or response.get("content"), f"{name} {status}"


@pytest.mark.fault("api-F12")
def test_the_page_of_error_codes_is_that_of_the_code() -> None:
    """`make openapi` writes it again. tests/contract.py holds every answer of every test to the codes."""
    assert DOCUMENT.with_name("error-codes.md").read_text(encoding="utf-8") == page_of_codes()
    listed = {each.code: each for each in all_codes()}
    assert len(listed) > 100
    assert [code for code, each in listed.items() if not each.meaning] == []
    assert listed["insufficient_scope"].statuses == (403,)
    code = api.get_openapi_schema()["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["x-extensible-enum"] == list(listed)


def test_codes_come_from_this_projects_apps_and_from_no_library(settings: Any) -> None:
    """Neither from one that lies below the checkout, as everything in its `.venv` does."""
    ours = ["conductor", "adapters", "incidents", "controls", "evidence", "chatops"]
    assert packages_of_ours() == ours

    settings.BASE_DIR = settings.BASE_DIR.parent
    assert packages_of_ours() == []


@pytest.mark.fault("api-F12")
def test_every_operation_that_makes_something_says_where_it_is() -> None:
    made = {operation["operationId"] for _, _, operation in _operations() if 201 in operation["responses"]}

    assert made == set(LOCATIONS)


@pytest.mark.fault("api-F12")
def test_an_answer_with_a_code_that_no_page_lists_is_a_fault() -> None:
    request = RequestFactory().get(INCIDENT)
    request.resolver_match = resolve(INCIDENT)
    body = {"type": "x", "title": "x", "status": 404, "code": "made_up", "detail": "x", "instance": "x"}

    with pytest.raises(AssertionError, match="made_up"):
        contract.check(request, JsonResponse(body, status=404, content_type=contract.PROBLEM))
