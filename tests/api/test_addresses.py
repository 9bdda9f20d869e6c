"""Addresses and methods: one rule for slashes, no redirects, HEAD and OPTIONS everywhere, problems and never HTML."""

from __future__ import annotations

import json
import re
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory

from conductor.api.requests.bodies import MOST_BYTES, limited
from conductor.api.v1 import api
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident
from tests.browsing import Browser
from tests.console.browsing import serving
from tests.evidence.calling import token_of_member
from tests.harness import counterparts

GUIDE = Path(__file__).resolve().parents[2] / "docs/reference/api.md"
BASE = "/api/v1/tenants/northwind"
COLLECTIONS = ("incidents", "bundles", "runs", "receipts", "controls", "alerts", "policy/rules", "incidents/1/notes")


@pytest.fixture
def program(tenant: Tenant, ana: User) -> Client:
    return Browser(headers={"Authorization": f"Bearer {token_of_member(ana, tenant)}"})


@pytest.mark.fault("api-F1")
@pytest.mark.parametrize("path", COLLECTIONS)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_slash_at_the_end_is_a_404_and_never_a_redirect(program: Client, path: str, method: str) -> None:
    answer = program.generic(method.upper(), f"{BASE}/{path}/", "{}", "application/json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "no slash" in answer.json()["detail"]


@pytest.mark.fault("api-F1")
@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/tenants", "/api", f"{BASE}"])
def test_what_is_no_operation_is_no_redirect_either(program: Client, path: str) -> None:
    assert program.post(path, data="{}", content_type="application/json").status_code == 404


@pytest.mark.fault("api-F1")
def test_the_example_of_the_guide_declares_an_incident(committed: None, tenant: Tenant, ana: User) -> None:
    counterparts.need("curl")
    [example] = re.findall(r"```sh\n(curl.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    with serving() as address:
        given = {"PATH": "/usr/bin:/bin", "BASE": address, "TOKEN": token_of_member(ana, tenant)}
        ran = subprocess.run(["sh", "-c", example], env=given, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    with tenant_scope(tenant.id):
        assert Incident.objects.get().title == "Checkout is failing"
    assert '"number": 1' in ran.stdout


@pytest.mark.fault("api-F13")
def test_every_path_answers_options_and_refuses_other_methods_as_a_problem(program: Client) -> None:
    for path, operations in api.get_openapi_schema()["paths"].items():
        address = re.sub(r"{(\w+)}", lambda part: "northwind" if part[1] == "tenant" else "1", path)
        asked = program.options(address)
        assert asked.status_code == 204, path
        allowed = set(asked["Allow"].split(", "))
        documented = {method.upper() for method in operations if method != "parameters"}
        assert "OPTIONS" in allowed
        assert ("HEAD" in allowed) == ("GET" in allowed)
        refused = program.patch(address, data="{}", content_type="application/json")
        assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json"), path
        assert (refused.json()["code"], set(refused["Allow"].split(", "))) == ("method_not_allowed", allowed)
        assert documented & allowed or address.count("/1"), path


@pytest.mark.fault("api-F13")
@pytest.mark.parametrize("path", [f"{BASE}/incidents", f"{BASE}/controls", "/api/v1/openapi.json", f"{BASE}/runs/7"])
def test_head_is_get_without_the_body(program: Client, path: str) -> None:
    whole, head = program.get(path), program.head(path)

    assert (head.status_code, head["Content-Type"]) == (whole.status_code, whole["Content-Type"])
    assert head["Content-Length"] == str(len(whole.content))
    assert head.content == b""


@pytest.mark.fault("api-F13")
def test_head_leaves_the_requests_transaction_open(program: Client) -> None:
    for path in ("incidents", "openapi.json", "incidents"):
        assert program.head(f"{BASE}/{path}").status_code == (404 if path == "openapi.json" else 200)


@pytest.mark.fault("api-F13")
def test_head_needs_a_token_as_get_does_and_posts_nothing(program: Client, tenant: Tenant) -> None:
    assert Browser().head(f"{BASE}/incidents").status_code == 401
    assert program.head(f"{BASE}/graph/imports").status_code == 405


@pytest.mark.fault("api-F13", "api-F5")
@pytest.mark.parametrize("path", ["incidents", "bundles", "alerts/alertmanager"])
def test_a_body_that_is_too_large_is_a_413_that_names_the_limit(program: Client, path: str) -> None:
    answer = program.post(f"{BASE}/{path}", data=b"[" + b" " * 9_000_000 + b"]", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "bytes" in answer.json()["detail"]


@pytest.mark.fault("api-F13")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n", "multipart/form-data; boundary=\xe9"),
    ],
)
def test_a_form_that_cannot_be_read_is_a_problem(program: Client, body: bytes, content_type: str) -> None:
    answer = program.generic("POST", f"{BASE}/bundles/1/artifacts", body, content_type)

    assert (answer.status_code // 100, answer["Content-Type"]) == (4, "application/problem+json")


@pytest.mark.fault("api-F13")
def test_a_form_of_too_many_fields_is_a_problem(program: Client) -> None:
    answer = program.post(f"{BASE}/bundles/1/artifacts", {f"field{n}": "x" for n in range(1100)})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.fault("api-F13", "api-F7")
def test_a_fault_of_ours_is_a_problem_with_its_reference(tenant: Tenant, ana: User, settings: Any) -> None:

    settings.ROOT_URLCONF = "tests.api.failing_urls"
    program = Browser(raise_request_exception=False)

    answer = program.get("/api/v1/fails")

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal_error"
    assert answer["X-Request-Id"] in answer.json()["detail"]


class Unread(BytesIO):
    """A body of which only its beginning may be read."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None and 0 <= size <= MOST_BYTES + 1, "all of it would be read"
        return super().read(size)


@pytest.mark.fault("api-F6")
@pytest.mark.parametrize("token", ["", "mct_0123456789abcdef_invented", "nonsense"])
def test_of_a_strangers_large_body_no_more_is_read_than_of_any_other(db: None, token: str) -> None:
    whole = b"[" + b" " * (3 * MOST_BYTES) + b"]"
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
    request = RequestFactory().post(f"{BASE}/graph/imports", whole, "application/json", **headers)
    request._stream = Unread(whole)
    answer = limited(lambda request: pytest.fail("the operation is reached"))(request)

    assert (answer.status_code, json.loads(answer.content)["code"]) == (401, "unauthenticated")


@pytest.mark.fault("api-F6")
def test_who_has_a_token_may_send_a_large_body(tenant: Tenant, db: None, ben: User) -> None:
    whole = b"[" + b" " * (2 * MOST_BYTES) + b"]"
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token_of_member(ben, tenant)}"}
    request = RequestFactory().post(f"{BASE}/graph/imports", whole, "application/json", **headers)

    answer = limited(lambda request: HttpResponse(str(len(request.body))))(request)

    assert answer.content == str(len(whole)).encode()
