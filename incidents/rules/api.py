"""The rules of the response: the policy's versions, and the reporting obligations that the organisation is under."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from conductor.api.requests.answers import redrawn_by
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.reporting import rule_selectors
from incidents.reporting.own_rules import change_own_rule
from incidents.reporting.rule_selectors import PolicyVersion, reporting_rule, reporting_rules
from incidents.response import policy_text, policy_versions
from incidents.response.policy_schema import policy_schema
from incidents.response.policy_versions import check_policy
from incidents.rules.schemas import (
    ChangeOut,
    PolicyIn,
    PolicyTrialIn,
    PolicyVersionOut,
    ReportingRuleIn,
    ReportingRuleOut,
    ResponsePolicyOut,
)

CONFIGURE = "configure_response"
router = Router(tags=["response rules"])


@router.get("/response-policy", response=ResponsePolicyOut, operation_id="get_response_policy")
def get_response_policy(request: TenantRequest) -> Any:
    """The version in force: guards, severity matrix, required roles, cadence."""
    return _versions(request)[0]


@router.get("/response-policy/versions", response=list[PolicyVersionOut], operation_id="list_response_policies")
def list_response_policies(request: TenantRequest) -> Any:
    """Every version, newest first: the first is in force, and version 0 came with Conductor."""
    return _versions(request)


@router.get(
    "/response-policy/versions/{version}", response=ResponsePolicyOut, operation_id="get_response_policy_version"
)
def get_response_policy_version(request: TenantRequest, version: int) -> Any:
    """One version. The moves of incidents name the version that they were made under."""
    found = next((each for each in _versions(request) if each.version == version), None)
    if found is None:
        raise NotFound(f"There is no version {version} of the response policy.")
    return found


@router.get("/response-policy/schema", response=dict[str, Any], operation_id="get_response_policy_schema")
def get_response_policy_schema(request: TenantRequest) -> Any:
    """The JSON Schema of a policy's content, with the moves and guards that there are."""
    require(actor=request.actor, permission="view_incidents")
    return policy_schema()


@router.post("/response-policy/trial", response=list[ChangeOut], operation_id="try_response_policy")
@redrawn_by(lambda request, payload: _trial(request, payload))
def try_response_policy(request: TenantRequest, payload: PolicyTrialIn) -> Any:
    """What this content would change about the version in force; nothing is stored. 422 names every fault by its path.

    It needs the permission that putting it in force needs.
    """
    return _trial(request, payload)


@router.post("/response-policy/versions", response={201: ResponsePolicyOut}, operation_id="change_response_policy")
@redrawn_by(lambda request, **_given: _versions(request)[0])
def change_response_policy(request: TenantRequest, payload: PolicyIn) -> Any:
    """Put a new version in force: 201. 422 names every fault by its path; 409 if another version came meanwhile."""
    policy_versions.change_response_policy(
        tenant_id=request.tenant.id, actor=request.actor, now=now(), **payload.dict()
    )
    return Status(201, _versions(request)[0])


@router.get("/reporting-rules", response=list[ReportingRuleOut], operation_id="list_reporting_rules")
def list_reporting_rules(request: TenantRequest) -> Any:
    """Reporting obligations, by regime; retired ones last. Not legal advice: have counsel review each."""
    require(actor=request.actor, permission="view_incidents")
    return reporting_rules()


@router.post("/reporting-rules", response={201: ReportingRuleOut}, operation_id="change_reporting_rule")
@redrawn_by(lambda _request, payload: reporting_rule(key=str(payload.content["key"])))
def change_reporting_rule(request: TenantRequest, payload: ReportingRuleIn) -> Any:
    """Put a version of a rule in force, or retire it, for incidents from now on. 422 names every fault by its path."""
    row = change_own_rule(
        tenant_id=request.tenant.id,
        content=payload.content,
        reason=payload.reason,
        is_active=payload.active,
        actor=request.actor,
        now=now(),
    )
    return Status(201, reporting_rule(key=row.key))


def _trial(request: TenantRequest, payload: PolicyTrialIn) -> Any:
    require(actor=request.actor, permission=CONFIGURE)
    good = check_policy(payload.content)
    return policy_text.changes_between(_versions(request)[0].content, good)


def _versions(request: TenantRequest) -> list[PolicyVersion]:
    require(actor=request.actor, permission="view_incidents")
    return rule_selectors.policy_versions()
