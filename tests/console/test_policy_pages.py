"""Policy in the console and in the API: from an upload by one person to a denial of another, and a simulation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.lib.clock import now as clock_now
from conductor.policy.models import PolicyDecision, PolicySimulation, TenantPolicy
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from tests.policy.asking import Asked
from tests.policy.own_rules import FREEZE, NOBODY

Browser = Callable[[User], Client]
MakeActor = Callable[..., Actor]
ROOT = "/t/northwind/policy/"
FORM = {
    "name": "freeze",
    "purpose": "No changes in December",
    "rego": FREEZE.format(name="freeze"),
    "data": json.dumps({"frozen": ["payments"]}),
}


@pytest.fixture
def asked(tenant: Tenant, actor: MakeActor, ben: User) -> PolicyDecision:
    """Ben was asked about payments, and allowed."""
    with tenant_scope(tenant.id):
        ask = Asked(actor(ben))
        record = ask(resource=ask.resource(service="payments", api_key="canary"), now=clock_now()).record
    assert record is not None
    return record


def test_one_person_uploads_and_another_activates_in_the_browser(
    asked: PolicyDecision, tenant: Tenant, ana: User, cora: User, ben: User, as_user: Browser, actor: MakeActor
) -> None:
    ana_, cora_ = as_user(ana), as_user(cora)

    page = ana_.post(f"{ROOT}rules/new/", FORM)["Location"]
    assert b"Somebody else activates it" in ana_.get(page).content
    own = ana_.post(f"{page}activation/", {"reviewed_digest": "x"})
    assert own.status_code == 403
    assert b"This needs a second person" in own.content
    with tenant_scope(tenant.id):
        digest = TenantPolicy.objects.get().digest
    assert f'value="{digest}"' in cora_.get(page).content.decode()
    assert cora_.post(f"{page}activation/", {"reviewed_digest": digest}).status_code == 302

    with tenant_scope(tenant.id):
        ask = Asked(actor(ben))
        denied = ask(resource=ask.resource(service="payments"), now=clock_now()).record
        assert denied is not None
    listed = cora_.get(ROOT, {"answer": "denied", "code": "freeze.frozen"}).content.decode()
    assert str(denied.id) in listed
    assert str(asked.id) not in listed
    detail = cora_.get(f"{ROOT}decisions/{denied.id}/").content.decode()
    assert "Deployments are frozen" in detail
    assert denied.tenant_digest in detail
    assert ana_.post(f"{page}retirement/", {"reason": "short"}).status_code == 422
    assert ana_.post(f"{page}retirement/", {"reason": "The freeze is over."}).status_code == 302


def test_a_decision_shows_no_secret(asked: PolicyDecision, cleo: User, as_user: Browser) -> None:
    page = as_user(cleo).get(f"{ROOT}decisions/{asked.id}/").content.decode()

    assert "canary" not in page
    assert "[erased]" in page
    assert asked.input_digest in page


def test_what_is_wrong_with_an_upload_comes_back_beside_the_text(tenant: Tenant, ana: User, as_user: Browser) -> None:
    answer = as_user(ana).post(f"{ROOT}rules/new/", {**FORM, "rego": "package tenant.freeze\n\ndeny contains if {"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "freeze.rego:3" in page
    assert "deny contains if {" in page
    bad = as_user(ana).post(f"{ROOT}rules/new/", {**FORM, "data": "{"})
    assert b"This is not JSON" in bad.content
    file = SimpleUploadedFile("freeze.rego", FREEZE.format(name="freeze").encode())
    assert as_user(ana).post(f"{ROOT}rules/new/", {**FORM, "rego": "", "file": file}).status_code == 302


def test_a_simulation_from_the_browser_shows_its_progress_and_its_table(
    committed: None, asked: PolicyDecision, tenant: Tenant, ana: User, as_user: Browser
) -> None:
    browser = as_user(ana)
    files = [SimpleUploadedFile("freeze.rego", FREEZE.format(name="freeze").encode())]
    given = {"files": files, "data": json.dumps({"freeze": {"frozen": ["payments"]}}), "actions": "incidents.declare"}
    with tenant_scope(tenant.id):  # an erased input is not comparable, so here is one that is
        ask = Asked(Actor.system(channel="console"))
        ask(resource=ask.resource(service="payments"), now=clock_now())

    page = browser.post(f"{ROOT}simulations/new/", given)["Location"]
    waiting = browser.get(page).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert 'aria-label="Replayed decisions"' in waiting
    with tenant_scope(tenant.id):
        run = Run.objects.get(subject=PolicySimulation.objects.get().ref)
    advance(tenant_id=tenant.id, run_id=run.id, worker="w1", now=clock_now() + timedelta(seconds=1))

    done = browser.get(page).content.decode()
    assert "http-equiv" not in done
    assert "Losing an attribute opens nothing." in done
    assert "freeze.frozen" in done
    assert "Allowed before, denied now" in done
    assert browser.get(f"{ROOT}simulations/").status_code == 200


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Choose a version"),
        ({"policy": "x", "since": "yesterday"}, "Choose a version"),
        ({"files": SimpleUploadedFile("a.rego", b"package elsewhere")}, "neither conductor"),
    ],
)
def test_a_simulation_of_nothing_is_refused(
    asked: PolicyDecision, ana: User, as_user: Browser, given: dict[str, Any], said: str
) -> None:
    answer = as_user(ana).post(f"{ROOT}simulations/new/", given)

    assert answer.status_code == 422
    assert said in answer.content.decode()


class Api:
    """The API as one person, whose token may do all about policy that they may."""

    def __init__(self, tenant: Tenant, user: User) -> None:
        with tenant_scope(tenant.id):
            membership = Membership.objects.get(user=user)
            scopes = ["policy:read", "policy:write"]
            issued = issue_token(membership=membership, name="policy", scopes=scopes, now=clock_now())
        self.headers = {"Authorization": f"Bearer {issued.secret}"}

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(f"/api/v1/tenants/northwind/policy{path}", query, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        address = f"/api/v1/tenants/northwind/policy{path}"
        return Client().post(address, json.dumps(body), content_type="application/json", headers=self.headers)


def test_the_same_acts_through_the_api(
    asked: PolicyDecision, tenant: Tenant, ana: User, cora: User, cleo: User
) -> None:
    admin, commander, auditor = Api(tenant, ana), Api(tenant, cora), Api(tenant, cleo)
    rules = {"name": "nobody", "purpose": "A lock", "rego": NOBODY.format(name="nobody")}

    made = admin.post("/rules", **rules).json()
    assert (made["state"], made["version"]) == ("DRAFT", 1)
    assert auditor.post("/rules", **rules).status_code == 403
    assert auditor.get(f"/rules/{made['id']}").json()["rego"] == rules["rego"]
    refused = admin.post(f"/rules/{made['id']}/activation", reviewed_digest=made["digest"])
    assert (refused.status_code, refused.json()["code"]) == (403, "policy_denied")
    started = admin.post("/simulations", policy_id=made["id"])
    assert (started.status_code, started.json()["total"]) == (201, 2)  # the refusal is a decision too
    assert auditor.get("/simulations/1").json()["done"] == 0
    assert commander.post("/simulations", policy_id=made["id"]).status_code == 403
    active = commander.post(f"/rules/{made['id']}/activation", reviewed_digest=made["digest"])
    assert active.json()["state"] == "ACTIVE"
    events = auditor.get("/decisions", allow="false").json()["items"]
    assert [event["action"] for event in events] == ["policy.activate"]
    assert auditor.get(f"/decisions/{asked.id}").json()["input"]["resource"]["api_key"] == "[erased]"
    assert admin.post(f"/rules/{made['id']}/retirement", reason="It locks everybody out.").status_code == 200
    broken = admin.post("/rules", **{**rules, "rego": "package tenant.nobody"})
    assert (broken.status_code, list(broken.json()["fields"])) == (422, ["rego"])
    assert admin.post("/simulations").json()["fields"] == {
        "policy_id": ["Name a version of your own rules, or bring files."]
    }
