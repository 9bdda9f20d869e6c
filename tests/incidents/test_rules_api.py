"""The response rules through the API: versions are read, tried and put in force, and every fault names its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import User

from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from incidents.models.incident import Incident
from incidents.models.obligation import OwnRule
from incidents.models.policy import ResponsePolicy
from incidents.response.guards import GUARDS
from incidents.response.policy import built_in_content, digest_of
from tests.browsing import Browser
from tests.evidence.calling import caller

PATH = "/incidents/response-policy"


@pytest.fixture
def call(tenant: Tenant) -> Callable[..., Any]:
    return caller(tenant)


def _changed(**parts: Any) -> dict[str, Any]:
    return {**built_in_content(), **parts}


def test_the_policy_in_force_is_read_tried_and_changed(
    call: Any, scope: None, ana: User, cleo: User, incident: Incident
) -> None:
    active = call("get", PATH, user=cleo).json()
    assert (active["version"], active["changed_by_name"], active["content"]) == (0, "", built_in_content())
    wanted = _changed(title="Ours", accept_within_minutes=5)

    changes = call("post", f"{PATH}/trial", user=ana, body={"content": wanted}).json()
    assert {each["path"]: (each["before"], each["after"]) for each in changes} == {
        "title": ("Built-in response policy", "Ours"),
        "accept_within_minutes": ("10", "5"),
    }
    assert not ResponsePolicy.objects.exists()

    change = {"content": wanted, "reason": "Five minutes are enough.", "seen_version": 0}
    made = call("post", f"{PATH}/versions", user=ana, body=change)
    assert (made.status_code, made.json()["version"], made.json()["digest"]) == (201, 1, digest_of(wanted))
    stale = call("post", f"{PATH}/versions", user=ana, body=change)
    assert (stale.status_code, stale.json()["code"]) == (409, "response_policy_changed")

    listed = call("get", f"{PATH}/versions", user=cleo).json()
    assert [(each["version"], each["title"]) for each in listed] == [(1, "Ours"), (0, "Built-in response policy")]
    assert "content" not in listed[0]
    assert call("get", f"{PATH}/versions/0", user=cleo).json()["content"] == built_in_content()
    assert call("get", f"{PATH}/versions/2", user=cleo).status_code == 404
    assert call("get", PATH, user=cleo).json()["reason"] == "Five minutes are enough."


@pytest.mark.parametrize(
    ("content", "field", "complaint"),
    [
        (_changed(title=""), "title", "at least 1 character"),
        (_changed(surprise=1), "surprise", "not permitted"),
        (_changed(accept_within_minutes=0), "accept_within_minutes", "greater than or equal to 1"),
        (_changed(transitions={"OPEN>LUNCH": {}}), "transitions", "There is no move OPEN>LUNCH."),
        (
            _changed(transitions={"OPEN>MITIGATED": {"guards": [{"guard": "mood"}]}}),
            "transitions.OPEN>MITIGATED",
            "There is no guard mood.",
        ),
        (_changed(required_roles={"SEV1": ["CHEF"]}), "required_roles.SEV1.0", "Input should be"),
        (_changed(cadence={"every_minutes": {"SEV1": 20}}), "cadence.every_minutes", "Say how often for SEV2"),
        (_changed(cadence={"escalate_to": ["CHEF"]}), "cadence.escalate_to", "There is no role CHEF."),
    ],
)
def test_every_fault_names_its_field_and_nothing_changes(
    call: Any, scope: None, ana: User, content: dict[str, Any], field: str, complaint: str
) -> None:
    for path, also in ((f"{PATH}/trial", {}), (f"{PATH}/versions", {"reason": "r", "seen_version": 0})):
        refused = call("post", path, user=ana, body={"content": content, **also})

        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert complaint in " ".join(refused.json()["fields"][field])
    assert not ResponsePolicy.objects.exists()


def test_the_schema_describes_what_the_verb_takes(call: Any, cleo: User) -> None:
    schema = call("get", f"{PATH}/schema", user=cleo).json()

    jsonschema.validate(built_in_content(), schema)
    assert schema["$defs"]["GuardRule"]["properties"]["guard"]["enum"] == list(GUARDS)
    for wrong in (
        _changed(transitions={"OPEN>LUNCH": {}}),
        _changed(transitions={"OPEN>MITIGATED": {"guards": [{"guard": "mood"}]}}),
        _changed(cadence={"escalate_to": ["CHEF"]}),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_only_who_configures_the_response_changes_it(
    call: Any, scope: None, tenant: Tenant, ana: User, cora: User
) -> None:
    change = {"content": built_in_content(), "reason": "r", "seen_version": 0}
    assert call("post", f"{PATH}/versions", user=cora, body=change).status_code == 403
    assert call("post", f"{PATH}/trial", user=cora, body={"content": change["content"]}).status_code == 403
    assert call("get", PATH).status_code == 401
    membership = Membership.objects.get(user=ana)
    narrow = issue_token(membership=membership, name="t", scopes=["incidents:write"], now=clock_now()).secret
    answer = Browser().post(
        f"/api/v1/tenants/northwind{PATH}/versions",
        change,
        "application/json",
        headers={"Authorization": f"Bearer {narrow}"},
    )
    assert answer.status_code == 403
    assert not ResponsePolicy.objects.exists()


def test_another_tenants_policy_is_its_own(call: Any, max_: User, other_tenant: Tenant, scope: None, ana: User) -> None:
    change = {"content": _changed(title="Ours"), "reason": "r", "seen_version": 0}
    assert call("post", f"{PATH}/versions", user=ana, body=change).status_code == 201

    theirs: Any = caller(other_tenant)
    assert theirs("get", PATH, user=max_).json()["version"] == 0
    assert [each["version"] for each in theirs("get", f"{PATH}/versions", user=max_).json()] == [0]
    assert theirs("get", f"{PATH}/versions/1", user=max_).status_code == 404
    with tenant_scope(other_tenant.id):
        assert not ResponsePolicy.objects.exists()


def test_duties_to_report_are_listed_changed_and_retired(call: Any, scope: None, ana: User, cleo: User) -> None:
    listed = call("get", "/incidents/reporting-rules", user=cleo).json()
    breach = next(each for each in listed if each["key"] == "gdpr.authority")
    assert (breach["is_active"], breach["is_built_in"], breach["version"]) == (True, True, 0)
    assert breach["content"]["source"]

    own = {**breach["content"], "key": "acme.notice", "limits": [{"after": "awareness", "count": 24, "unit": "hours"}]}
    made = call("post", "/incidents/reporting-rules", user=ana, body={"content": own, "reason": "Signed."})
    assert (made.status_code, made.json()["version"], made.json()["is_built_in"]) == (201, 1, False)
    retire = {"content": own, "reason": "It ended.", "active": False}
    gone = call("post", "/incidents/reporting-rules", user=ana, body=retire).json()
    assert (gone["version"], gone["is_active"]) == (2, False)
    wrong = call(
        "post", "/incidents/reporting-rules", user=ana, body={"content": {**own, "zone": "Mars"}, "reason": ""}
    )
    assert wrong.json()["fields"] == {"reason": ["This cannot be empty."], "zone": ["There is no time zone Mars."]}
    assert OwnRule.objects.count() == 2
