"""The walk through all doors: whatever Globex has, Northwind's Ana asks for it, and is answered as if it were not.

Every operation of the API's document, every address of the console, the admin's pages and Slack's commands, once with
an id that Globex has and once with an id that nobody has. A new one is walked as soon as it exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from adapters.models.ticket import Ticket
from conductor.api.v1 import api
from conductor.engine.models import Run
from conductor.graph.models import Node
from conductor.ledger.models import Receipt
from conductor.lib.refs import ref
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant, TenantModel
from conductor.tenancy.roles import SCOPES
from evidence.models import Artifact, EvidenceBundle, Pack
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from tests.browsing import prove
from tests.chatops.conftest import connect
from tests.chatops.slack import GLOBEX_TEAM, NORTHWIND_TEAM, Speaker
from tests.tenancy import rows

THEIRS, NOBODYS = 7701, 7702
"""A number that Globex's incident, run, bundle and action item have, and one that nobody's have."""
MARK = "globexonly"
"""Stands in every text of Globex's rows."""
UNUSED = UUID(int=7702)


@dataclass(frozen=True)
class Pair:
    """What to put into an address: what Globex has, and what nobody has."""

    theirs: object
    nobodys: object


NUMBER = Pair(THEIRS, NOBODYS)
PLAIN = {"role": "COMMANDER", "kind": "service", "ending": "pdf"}
"""Parts of an address that are words of ours, not somebody's id."""


@pytest.fixture
def globex(db: None, other_tenant: Tenant) -> Mapping[str, Pair]:
    """What Globex has, by the name that addresses give it."""
    rows.prepare_people()
    with tenant_scope(other_tenant.id):
        incident = rows.make(Incident, other_tenant, number=THEIRS, title=f"{MARK} checkout is down", service=MARK)
        rows.make(Run, other_tenant, number=THEIRS, title=f"{MARK} run")
        bundle: Any = rows.make(EvidenceBundle, other_tenant, number=THEIRS, title=f"{MARK} bundle", incident=incident)
        artifact = rows.make(Artifact, other_tenant, bundle=bundle, path=f"{MARK}.txt")
        pack = rows.make(Pack, other_tenant, bundle=bundle)
        subject = ref("incidents.incident", incident.pk)
        receipt = rows.make(Receipt, other_tenant, subject=subject, subject_name=MARK, actor_name=MARK)
        item = rows.make(ActionItem, other_tenant, number=THEIRS, title=MARK, incident=incident)
        ticket = rows.make(Ticket, other_tenant, subject=subject, title=MARK, error=MARK)
        node: Any = rows.make(Node, other_tenant, kind="service", key=MARK, name=MARK)
    return {
        "number": NUMBER,
        "any id": Pair(item.pk, UNUSED),
        "bundle": Pair(f"EVB-{THEIRS}", f"EVB-{NOBODYS}"),
        "bundle id": Pair(bundle.pk, UNUSED),
        "artifact_id": Pair(artifact.pk, UNUSED),
        "pack_id": Pair(pack.pk, UNUSED),
        "ticket_id": Pair(ticket.pk, UNUSED),
        "receipt_id": Pair(receipt.pk, UNUSED),
        "key": Pair(node.key, "nobodysown"),
    }


@pytest.fixture
def token(tenant: Tenant, ana: User) -> str:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=ana)
        later = datetime.now(UTC) + timedelta(days=1)
        return issue_token(membership=membership, name="walls", scopes=list(SCOPES), now=later).secret


def _words(response: Any, *ids: object) -> tuple[int, str, list[tuple[str, str]]]:
    """Status, body and headers, without ids, one-time values and times: what is left must not differ.

    `RateLimit` counts what the caller itself has asked, whatever it was.
    """
    body = b"".join(response.streaming_content) if response.streaming else response.content
    text = body.decode(errors="replace")
    headers = [(name, value) for name, value in response.items() if name.lower() != "x-request-id"]
    for each in ids:
        text = text.replace(str(each), "…")
        headers = [(name, value.replace(str(each), "…")) for name, value in headers]
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9]{64}|\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:+.Z]+", "…", text)
    varying = {"Content-Length", "Expires", "RateLimit"}
    headers = [(name, _sorted(value)) for name, value in headers if name not in varying]
    return response.status_code, text, headers


def _sorted(value: str) -> str:
    """A security policy's parts come in any order."""
    return "; ".join(sorted(value.split("; ")))


# The API ---------------------------------------------------------------------------------------------------------
DOCUMENT: Any = api.get_openapi_schema()
OPERATIONS = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if method in {"get", "post", "put", "patch", "delete"}
]
_IDS = re.compile(r"\{(\w+)\}")


def _body_of(method: str, path: str) -> dict[str, Any]:
    """A body that the operation's schema admits."""
    content = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {})
    if form := content.get("multipart/form-data", {}).get("schema"):
        return {"data": _value(form)}
    schema = content.get("application/json", {}).get("schema")
    return {"data": _value(schema) if schema else {}, "content_type": "application/json"}


def _value(schema: Any) -> Any:
    if "$ref" in schema:
        return _value(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "allOf", "oneOf"):
        if several in schema:
            return _value(schema[several][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-11-20T11:00:00Z"
    if schema.get("format") == "binary":
        return SimpleUploadedFile("a.txt", b"a")
    if schema.get("type") == "object":
        return {name: _value(schema["properties"][name]) for name in schema.get("required", [])}
    return {"array": [], "integer": 1, "number": 1, "boolean": True}.get(schema.get("type"), "a reason")


def _filled(path: str, globex: Mapping[str, Pair], which: str, **other: Pair) -> str:
    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in PLAIN:
            return PLAIN[name]
        usual = globex["any id" if name.endswith("_id") else "number"]
        return str(getattr({**globex, **other}.get(name, usual), which))

    # A milestone's key is a word from a closed list, and nobody's own: another word would be refused for itself.
    return _IDS.sub(fill, path.replace("milestones/{key}", "milestones/detected"))


WITH_IDS = [
    (method, path, naming)
    for method, path in OPERATIONS
    for naming in (("bundle", "bundle id") if "{bundle}" in path else ("",))
    if set(_IDS.findall(path)) - {"tenant", "control_id"}
]


@pytest.mark.parametrize(("method", "path", "naming"), WITH_IDS, ids=lambda each: each.rpartition("{tenant}")[2])
def test_the_api_answers_for_theirs_as_for_nobodys(
    globex: Mapping[str, Pair], token: str, method: str, path: str, naming: str
) -> None:
    bundle = globex[naming or "bundle"]
    answers = []
    for which in ("theirs", "nobodys"):
        address = _filled(path, globex, which, tenant=Pair("northwind", "northwind"), bundle=bundle)
        key = getattr(globex["key"], which)
        given = {} if method == "get" else _body_of(method, path)
        query = {"key": str(key)} if "/nodes/" in path else {"reason": "Not ours."} if "{binding_id}" in path else {}
        headers = {"Authorization": f"Bearer {token}"}
        response = getattr(Client(), method)(address, headers=headers, query_params=query, **given)
        ids = [getattr(pair, which) for pair in (*globex.values(), bundle)]
        answers.append(_words(response, *ids))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_no_list_of_the_api_has_anything_of_theirs(globex: Mapping[str, Pair], token: str) -> None:
    subject = ref("incidents.incident", globex["any id"].theirs)
    asked = [path for method, path in OPERATIONS if method == "get" and set(_IDS.findall(path)) == {"tenant"}]

    for path in asked:
        for query in ({}, {"q": MARK}, {"subject": subject}):
            address = path.replace("{tenant}", "northwind")
            response = Client().get(address, query, headers={"Authorization": f"Bearer {token}"})
            assert MARK not in response.content.decode()
            assert response.status_code in {200, 404, 422}
    assert len(asked) >= 8


def test_an_organisation_that_is_not_ours_is_answered_as_one_that_is_not(token: str, ana: User) -> None:
    for path in ("/runs", "/incidents", "/receipts/checkpoint"):
        for headers, expected in (({"Authorization": f"Bearer {token}"}, 404), ({}, 401)):
            theirs, nobodys = (
                _words(Client().get(f"/api/v1/tenants/{slug}{path}", headers=headers), slug)
                for slug in ("globex", "nobody-at-all")
            )
            assert theirs == nobodys
            assert theirs[0] == expected
    for client, expected in ((_signed_in(ana), 404), (Client(), 302)):
        for path in ("runs/", "incidents/", "controls/"):
            theirs, nobodys = (_words(client.get(f"/t/{slug}/{path}"), slug) for slug in ("globex", "nobody-at-all"))
            assert theirs == nobodys
            assert theirs[0] == expected


# The console -----------------------------------------------------------------------------------------------------
def _addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        here = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _addresses(each, here)
        elif isinstance(each, URLPattern):
            yield here


def _as_template(pattern: str) -> str:
    """`t/<slug:tenant>/runs/R-<int:number>/` or its regular expression as `t/{tenant}/runs/R-{number}/`."""
    bare = pattern.replace("^", "").replace("$", "").replace("\\.", ".")
    bare = re.sub(r"\(\?P<\w+>([a-z.]+)(?:\|[a-z.-]+)+\)", r"\1", bare)  # a word of ours: any will do
    bare = re.sub(r"\(\?P<(\w+)>(?:[^()\\]|\\.)*\)", r"{\1}", bare)
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", bare)


CONSOLE = [_as_template(each) for each in _addresses(get_resolver()) if each.startswith("t/")]
CONSOLE_IDS = [each for each in CONSOLE if set(_IDS.findall(each)) - {"tenant"} and "controls/{key}" not in each]


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return prove(client)  # or sensitive pages would ask for a fresh proof before they look at an id


@pytest.mark.parametrize("address", CONSOLE_IDS)
def test_the_console_answers_for_theirs_as_for_nobodys(globex: Mapping[str, Pair], ana: User, address: str) -> None:
    client = _signed_in(ana)
    answers: dict[str, Any] = {}
    for which in ("theirs", "nobodys"):
        path = "/" + _filled(address, globex, which, tenant=Pair("northwind", "northwind"))
        ids = [getattr(pair, which) for pair in globex.values()]
        answers[which] = [_words(getattr(client, method)(path), *ids) for method in ("get", "post")]

    assert answers["theirs"] == answers["nobodys"]
    statuses = {status for status, _, _ in answers["theirs"]}
    nothing = 403 if "{token}" in address else 404  # a link that names nobody is refused, as those to sign in are
    assert nothing in statuses
    assert statuses <= {nothing, 405}


def test_no_page_of_the_console_has_anything_of_theirs(globex: Mapping[str, Pair], ana: User) -> None:
    client = _signed_in(ana)
    shown = 0
    for address in CONSOLE:
        if set(_IDS.findall(address)) == {"tenant"}:
            response = client.get("/" + address.replace("{tenant}", "northwind"), {"q": MARK})
            if response.status_code == 200:
                shown += 1
                assert MARK not in re.sub(rf"q={MARK}|[\"“]{MARK}[\"”]", "", response.content.decode())
    assert shown >= 5


# The admin -------------------------------------------------------------------------------------------------------
def test_the_admin_lists_finds_and_offers_nothing_of_theirs(
    globex: Mapping[str, Pair], ana: User, other_tenant: Tenant, tenant: Tenant, now: datetime
) -> None:
    connect(other_tenant, GLOBEX_TEAM, now)
    connect(tenant, NORTHWIND_TEAM, now)
    client = _signed_in(ana)
    looked = 0
    for model, options in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if not issubclass(model, TenantModel):
            assert client.get(base).status_code == 403
            continue
        with tenant_scope(other_tenant.id):
            theirs = model._base_manager.first() or rows.make(model, other_tenant)
        for page in (base, f"{base}?q=Globex", f"{base}add/"):
            response = client.get(page)
            looked += response.status_code == 200
            if response.status_code == 200:
                content = response.content.decode()
                assert str(theirs.pk) not in content
                assert "Max Stranger" not in content
                assert ">max<" not in content
        for page in ("{}/change/", "{}/history/", "{}/delete/"):
            answers = [_words(client.get(base + page.format(pk)), pk) for pk in (theirs.pk, UNUSED)]
            assert answers[0] == answers[1]
            assert answers[0][0] in {302, 403, 404}
        if options.search_fields:
            query = {"term": "", "app_label": model._meta.app_label, "model_name": model._meta.model_name}
            assert str(theirs.pk) not in client.get("/admin/autocomplete/", query).content.decode()
    assert looked >= 2


# Slack -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "command", ["status INC-{}", "ack INC-{}", "mitigated INC-{}", "resolved INC-{}", "assign @ben commander INC-{}"]
)
def test_slack_answers_for_theirs_as_for_nobodys(
    globex: Mapping[str, Pair], tenant: Tenant, other_tenant: Tenant, now: datetime, command: str
) -> None:
    connect(tenant, NORTHWIND_TEAM, now)
    connect(other_tenant, GLOBEX_TEAM, now)
    ben: Callable[[str], Any] = Speaker()
    theirs, nobodys = (str(ben(command.format(number))).replace(str(number), "…") for number in (THEIRS, NOBODYS))

    assert theirs == nobodys
    assert MARK not in str(ben("list"))
