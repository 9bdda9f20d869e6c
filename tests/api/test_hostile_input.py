"""Whatever is sent to the API is taken in, without what cannot be kept, or named in a problem."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conductor.api.requests.bodies import MOST_BYTES
from conductor.graph.models import Edge, Node
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident
from tests.browsing import Browser
from tests.evidence.calling import caller, token_of_member

Call = Callable[..., Any]
MANY = 80_000


@pytest.fixture
def call(tenant: Tenant, ana: User) -> Call:
    return caller(tenant, token_of=ana)


@pytest.fixture
def number(call: Call) -> int:
    return int(call("post", "/incidents", body={"title": "Slow", "severity": "SEV2"}).json()["number"])


def is_problem(response: Any, *statuses: int) -> bool:
    kind = response["Content-Type"].partition(";")[0]
    assert (response.status_code in statuses, kind) == (True, "application/problem+json"), response.content[:300]
    return True


@pytest.mark.fault("api-F7", "security-11", "field-F7")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/incidents", ["q", "service"]),
        ("/bundles", ["q"]),
        ("/receipts", ["subject", "actor"]),
        ("/runs", ["workflow"]),
        ("/controls", ["framework", "q"]),
        ("/policy/rules", ["state"]),
        ("/graph/nodes/service/blast-radius", ["key"]),
        ("/graph/nodes/service/neighbourhood", ["key"]),
    ],
)
def test_a_nul_in_a_query_is_dropped(path: str, names: list[str], call: Call) -> None:
    for name in names:
        for value in ("\x00", "pay\x00ments"):
            response = call("get", path, query={name: value})
            assert response.status_code in (200, 404, 422), (name, response.content)
            assert response["Content-Type"].startswith("application/")


@pytest.mark.fault("api-F7", "security-11")
@pytest.mark.parametrize("path", ["/api/v1/tenants/%00/incidents", "/api/v1/tenants/northwind/controls/%00"])
def test_a_nul_in_a_path_is_no_fault(path: str, tenant: Tenant, ana: User) -> None:
    anonymous = Browser().get(path)
    member = Browser().get(path, headers={"Authorization": f"Bearer {token_of_member(ana, tenant)}"})

    assert is_problem(anonymous, 401, 404)
    assert member.status_code in (200, 301, 404)


@pytest.mark.fault("api-F7", "security-11", "field-F7")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/incidents", {"title": "a\x00b", "severity": "SEV2", "environment": "\x00"}),
        (
            "/bundles",
            {"title": "a\x00", "purpose": "\x00", "controls": ["\x00"], "effective_from": "2026-01-01T00:00:00Z"},
        ),
        ("/controls/restore-verifications", {"environment": "\x00", "adapter": "\x00"}),
        ("/graph/imports", {"nodes": [{"kind": "service", "key": "a\x00b"}], "edges": []}),
        ("/policy/rules", {"name": "\x00", "rego": "\x00", "title": "\x00"}),
        ("/runs/1/cancellation", {"reason": "\x00"}),
        ("/runs/1/signals", {"name": "a\x00", "payload": {"\x00": "\ud800"}}),
    ],
)
def test_a_nul_in_a_body_is_no_fault(path: str, body: Any, call: Call) -> None:
    assert call("post", path, body=body).status_code < 500


@pytest.mark.fault("api-F7", "security-11")
def test_a_nul_in_a_text_is_dropped_and_the_text_kept(call: Call, tenant: Tenant) -> None:
    made = call("post", "/incidents", body={"title": "a\x00b", "severity": "SEV2"})
    call("post", "/graph/imports", body={"nodes": [{"kind": "service", "key": "a\x00b"}], "edges": []})

    assert made.json()["title"] == "ab"
    with tenant_scope(tenant.id):
        assert Node.objects.get(kind="service").key == "ab"


@pytest.mark.fault("security-11", "field-F7")
@pytest.mark.parametrize("path", ["incidents/", "evidence/", "controls/", "policy/", "palette/", "receipts/", "runs/"])
def test_a_nul_in_a_pages_query_is_dropped(path: str, tenant: Tenant, ana: User, as_user: Any) -> None:
    query = {"q": "a\x00b", "action": "\x00", "state": "\x00", "status": "\x00", "actor": "\x00", "subject": "\x00"}

    assert as_user(ana).get(f"/t/{tenant.slug}/{path}", query).status_code in (200, 302, 404, 422)


@pytest.mark.fault("api-F7")
@pytest.mark.parametrize("content", ['{"title": NaN}', '{"title": 1e999}', "[" * 5000, '{"payload": Infinity}', "{"])
def test_what_is_not_json_is_400(content: str, tenant: Tenant, ana: User) -> None:
    headers = {"Authorization": f"Bearer {token_of_member(ana, tenant)}"}
    address = f"/api/v1/tenants/{tenant.slug}/incidents"

    assert is_problem(Client().post(address, content, "application/json", headers=headers), 400)


@pytest.mark.fault("api-F7")
@pytest.mark.parametrize("moment", ["2026-07-01T00:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_cannot_be_kept_is_named(moment: str, call: Call, number: int) -> None:
    bundle = {"title": "Q3", "controls": ["SOC2_A1.2"], "effective_from": moment}
    for path, body, field in (
        ("/bundles", bundle, "effective_from"),
        ("/incidents", {"title": "a", "severity": "SEV2", "detected_at": moment}, "detected_at"),
        (f"/incidents/{number}/notes", {"text": "a", "occurred_at": moment}, "occurred_at"),
        (f"/incidents/{number}/milestones/DETECTED", {"at": moment, "reason": "a"}, "at"),
        ("/policy/simulations", {"since": moment}, "since"),
    ):
        response = call("post", path, body=body)
        assert is_problem(response, 422)
        assert field in response.json()["fields"], (path, response.json())


@pytest.mark.fault("api-F7")
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2200-01-01"])
def test_a_date_at_the_edge_is_named(day: str, call: Call, number: int, tenant: Tenant) -> None:
    body = {"title": "a", "type": "PREVENT", "due_date": day}
    response = call("post", f"/incidents/{number}/action-items", body=body)

    assert is_problem(response, 422)
    assert "due_date" in response.json()["fields"]


LISTS = ["/incidents", "/bundles", "/runs", "/receipts", "/policy/rules", "/policy/simulations", "/policy/decisions"]


def cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.fault("api-F7")
@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_list_or_of_nobody_is_refused(path: str, call: Call) -> None:
    made_up = (
        "ImFiYyI",
        "IjEi",
        "!",
        "\x7f",
        cursor(["incident.number", []]),
        cursor({"a": 1}),
        cursor(["run.id", "1"]),
    )
    for each in (*made_up, cursor(["incident.number", "abc"]), cursor(["incident.number", str(10**30)]), "A" * 5000):
        response = call("get", path, query={"cursor": each})
        assert is_problem(response, 422), each
        assert response.json()["code"] == "cursor_unknown"


@pytest.mark.fault("api-F7")
def test_a_cursor_that_was_given_out_leads_on_in_its_list_only(call: Call) -> None:
    for title in "abc":
        call("post", "/incidents", body={"title": title, "severity": "SEV2"})
    first = call("get", "/incidents", query={"limit": "2"}).json()
    rest = call("get", "/incidents", query={"limit": "2", "cursor": first["next_cursor"]}).json()

    assert [each["title"] for each in (*first["items"], *rest["items"])] == ["c", "b", "a"]
    assert rest["next_cursor"] == ""
    assert call("get", "/bundles", query={"cursor": first["next_cursor"]}).status_code == 422


@pytest.mark.fault("api-F7", "field-F14")
@pytest.mark.parametrize(
    "body",
    [{"nodes": 5}, {"nodes": None}, {"edges": {}}, {"nodes": [], "edges": "a"}, [], None, {"nodes": float("nan")}],
)
def test_the_shape_of_an_import_is_explained(body: Any, call: Call) -> None:
    response = call("post", "/graph/imports", body=body)

    assert is_problem(response, 400, 422)
    assert response.json()["detail"]


@pytest.mark.fault("api-F7", "field-F14")
def test_a_large_import_is_taken_in(call: Call, tenant: Tenant) -> None:
    nodes = [{"kind": "service", "key": f"production/a-service-with-a-long-name-{n}"} for n in range(MANY // 2)]
    assert len(json.dumps(nodes)) > MOST_BYTES

    response = call("post", "/graph/imports", body={"nodes": nodes, "edges": []})

    assert (response.status_code, response.json()["nodes_created"]) == (200, MANY // 2)


@pytest.mark.fault("api-F7")
def test_a_body_over_its_limit_is_413_and_names_the_limit(call: Call) -> None:
    response = call("post", "/incidents", body={"title": "a" * MOST_BYTES, "severity": "SEV2"})

    assert is_problem(response, 413)
    assert (response.json()["code"], f"{MOST_BYTES:,}" in response.json()["detail"]) == ("body_too_large", True)


@pytest.mark.fault("api-F7")
def test_a_form_with_too_large_fields_is_413(call: Call) -> None:
    form = {"origin": "a" * 3_000_000, "file": SimpleUploadedFile("a.txt", b"a")}

    assert is_problem(call("post", "/bundles/EVB-0001/artifacts", form=form), 413)


@pytest.mark.fault("api-F7")
def test_a_broken_form_is_400(tenant: Tenant, ana: User) -> None:
    headers = {"Authorization": f"Bearer {token_of_member(ana, tenant)}"}
    address = f"/api/v1/tenants/{tenant.slug}/bundles/EVB-0001/artifacts"

    assert is_problem(Client().post(address, b"nothing", "multipart/form-data", headers=headers), 400)


@pytest.mark.fault("field-F14")
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_spreadsheets_file_is_taken_in(separator: str, encoding: str, tenant: Tenant, ana: User) -> None:
    def send(*rows: list[str]) -> Any:
        content = "\r\n".join(separator.join(row) for row in rows).encode(encoding)
        headers = {"Authorization": f"Bearer {token_of_member(ana, tenant)}"}
        return Client().post(f"/api/v1/tenants/{tenant.slug}/graph/imports", content, "text/csv", headers=headers)

    nodes = send(["Kind", " KEY ", "name", "Team"], ["service", "a", "Ä", "x"], ["database", "b", "", ""])
    edges = send(["source", "target", "kind"], ["service/a", "database/b", "DEPENDS_ON"])

    assert (nodes.json()["nodes_created"], nodes.json()["rejected"]) == (2, []), nodes.content
    assert edges.json()["edges_created"] == 1
    with tenant_scope(tenant.id):
        assert Node.objects.get(key="a").name == "Ä"
        assert Node.objects.get(key="a").attributes == {"Team": "x"}
        assert Edge.objects.count() == 1


@pytest.mark.fault("api-F7")
def test_nothing_of_this_left_an_incident(call: Call, tenant: Tenant) -> None:
    call("post", "/incidents", body={"title": "a", "severity": "SEV2", "detected_at": "9999-12-31T23:59:59-12:00"})

    with tenant_scope(tenant.id):
        assert not Incident.objects.exists()
