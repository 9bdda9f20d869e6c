"""The page that says who may do what and why, and answers "why not?" for a person and an action."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conductor.access import selectors
from conductor.access.cases import find_case
from conductor.access.reasons import KEY_ACTIONS, explain, token_checks
from conductor.access.selectors import Member
from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.policy.bundle import policy_bundle
from conductor.policy.tenant_rules import TenantRules, rules_in_force
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.roles import PERMISSIONS, SCOPES, Role
from conductor.tenancy.sessions.authentication import Authentication

SIGN_INS = (
    (Authentication.MFA, "with a second step"),
    (Authentication.OIDC, "by the organisation's provider"),
    (Authentication.PASSWORD, "with a password alone"),
    (Authentication.UNKNOWN, "by a demonstration's link"),
)
"""How somebody in the console may have signed in, and its words."""


@require_GET
@door(permission="view_evidence")
def permissions(request: TenantRequest, tenant: str) -> HttpResponse:
    """Roles and what they hold, grants to one person, scopes, rules in force; with a question, its answer."""
    given = {name: request.GET.get(name, "").strip()[:60] for name in ("person", "action", "case", "signed_in")}
    found = selectors.members(second_steps=False)
    granted = selectors.permissions_by_role(request.tenant)
    own = rules_in_force()
    context = {
        "given": given,
        "members": found,
        "key_actions": [(name, words) for name, (_, words) in KEY_ACTIONS.items()],
        "permissions": list(PERMISSIONS.items()),
        "sign_ins": SIGN_INS,
        "roles": list(Role),
        "rows": [(name, words, [name in granted[role.value] for role in Role]) for name, words in PERMISSIONS.items()],
        "counts": [sum(each.membership.role == role for each in found) for role in Role],
        "grants": selectors.grants_to_people(),
        "scopes": [(scope, sorted(held)) for scope, held in SCOPES.items()],
        "built_in": policy_bundle(),
        "own": own.policies,
        **_answered(request, given, found, own),
    }
    return render(request, "console/people/permissions.html", context)


def _answered(request: TenantRequest, given: dict[str, str], found: list[Member], own: TenantRules) -> dict[str, Any]:
    """Return the answer to the question in the address; nothing where none is asked, `problem` where it cannot be."""
    if not given["person"]:
        return {}
    action = given["action"]
    member = next((each for each in found if str(each.membership.id) == given["person"]), None)
    if action not in PERMISSIONS and action not in KEY_ACTIONS:
        return {"problem": "Choose an action."}
    if member is None:
        return {"problem": "Choose a person."}
    case = find_case(given["case"]) if given["case"] else None
    if given["case"] and case is None:
        return {"problem": f"There is no incident {given['case']}, or none that you may see."}
    moment = now()
    proven = Authentication(given["signed_in"]) if given["signed_in"] in set(Authentication) else Authentication.MFA
    return {
        "member": member,
        "words": KEY_ACTIONS[action][1] if action in KEY_ACTIONS else PERMISSIONS[action],
        "case": case,
        "answer": explain(
            member=member, tenant=request.tenant, action=action, case=case, authentication=proven, own=own, now=moment
        ),
        "tokens": token_checks(member=member, action=action, now=moment),
    }
