"""Why somebody may do something, or may not: each check in the order in which the doors make it, with its result.

It asks what the doors ask (membership, permissions on the organisation, policy) and records nothing: an answer here
is what the next request would hear, not a decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Value
from guardian.models import GroupObjectPermission, UserObjectPermission

from conductor.access.cases import Case
from conductor.access.selectors import Member
from conductor.policy.backends import active_engine
from conductor.policy.bundle import policy_bundle
from conductor.policy.decisions import judge
from conductor.policy.inputs import RUN_DECISION, build_document
from conductor.policy.tenant_rules import UNASKED, TenantRules
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.models import ApiToken, Tenant
from conductor.tenancy.roles import PERMISSIONS, Role, holders, permissions_in
from conductor.tenancy.sessions import second_step
from conductor.tenancy.sessions.authentication import Authentication

KEY_ACTIONS: Mapping[str, tuple[str, str]] = {
    "incidents.declare": ("respond", "Declare an incident"),
    "incidents.resolve": ("respond", "Resolve an incident"),
    "incidents.redact": ("command", "Approve or refuse that an entry of a timeline is redacted"),
    "incidents.review": ("command", "Approve a postmortem, or ask for changes to it"),
    "evidence.seal": ("seal_evidence", "Seal an evidence bundle"),
    RUN_DECISION: ("operate_runs", "Answer what a run waits for"),
    "policy.activate": ("activate_policies", "Put rules of the organisation's own in force"),
    "policy.retire": ("manage_policies", "Retire rules of the organisation's own"),
}
"""Actions that ask policy as well, each with the permission that its verb needs and its words."""


@dataclass(frozen=True)
class Check:
    """One thing that a door looks at."""

    what: str
    passed: bool | None
    """None: not looked at, because it depends on more than was asked, or because an earlier check refused already."""
    why: str


@dataclass(frozen=True)
class Answer:
    """May they? Yes only if every check passed; None if none refused and one could not be made."""

    may: bool | None
    checks: list[Check]


def explain(
    *,
    member: Member,
    tenant: Tenant,
    action: str,
    case: Case | None,
    authentication: Authentication,
    own: TenantRules,
    now: datetime,
) -> Answer:
    """Return each check for `member` doing `action` in the console, signed in as `authentication` says.

    `action` is a permission (conductor.tenancy.roles.PERMISSIONS) or one of KEY_ACTIONS; `own` are the organisation's
    own rules in force. Needs the tenant's scope.
    """
    permission = KEY_ACTIONS[action][0] if action in KEY_ACTIONS else action
    user = member.membership.user
    actor = actor_for_user(user=user, tenant=tenant, channel="console", authentication=authentication)
    checks = [_account(member), _membership(member)]
    if tenant.second_step_from is not None:
        checks.append(_second_step(tenant, authentication, now))
    checks.append(_permission(member, tenant, permission))
    if case is not None:
        checks.append(_visibility(case, actor))
    if action in KEY_ACTIONS:
        checks.append(_policy(action, case, actor, own, now))
    results = [each.passed for each in checks]
    return Answer(False if False in results else None if None in results else True, checks)


def token_checks(*, member: Member, action: str, now: datetime) -> list[tuple[ApiToken, Check]]:
    """Return the member's API tokens that work, each with whether its scopes let the action's permission through."""
    permission = KEY_ACTIONS[action][0] if action in KEY_ACTIONS else action
    live = ApiToken.objects.filter(membership=member.membership, revoked_at=None, expires_at__gt=now)
    return [(each, _scopes(each, permission)) for each in live.order_by("-created_at")]


def _account(member: Member) -> Check:
    if member.membership.user.is_active:
        return Check("Account", True, "The account is open.")
    return Check("Account", False, "The account is closed: nobody can sign in to it.")


def _membership(member: Member) -> Check:
    left = member.membership.removed_at
    if left is None:
        return Check("Membership", True, f"A member since {member.membership.created_at:%d %b %Y}.")
    return Check("Membership", False, f"Not a member any more, since {left:%d %b %Y, %H:%M} UTC.")


def _second_step(tenant: Tenant, proven: Authentication, now: datetime) -> Check:
    since = f"{tenant.second_step_from:%d %b %Y, %H:%M} UTC"
    if proven == Authentication.MFA:
        return Check("Second step", True, "Signed in with one, as the organisation requires.")
    if second_step.is_missing(tenant=tenant, proven=proven, now=now):
        return Check("Second step", False, f"The organisation lets nobody in without one since {since}.")
    return Check("Second step", True, f"Signed in without one; from {since} on the organisation refuses that.")


def _permission(member: Member, tenant: Tenant, permission: str) -> Check:
    what, words = f"Permission {permission}", PERMISSIONS[permission]
    sources = sources_of(member=member, tenant=tenant, permission=permission)
    if sources and member.membership.removed_at is None:
        return Check(what, True, f"{words}: {' and '.join(sources)}.")
    role = member.membership.get_role_display().lower()
    return Check(what, False, f"{words}: the role of {role} does not hold it; {' or '.join(holders(permission))} does.")


def sources_of(*, member: Member, tenant: Tenant, permission: str) -> list[str]:
    """Return in words where the permission comes from: roles, or a grant to the person alone."""
    user, about = member.membership.user, {"object_pk": str(tenant.id), "permission__codename": permission}
    own = UserObjectPermission.objects.filter(user=user, **about).values_list(Value(""))
    groups = GroupObjectPermission.objects.filter(group__user=user, **about).values_list("group__name")
    named = sorted(name for (name,) in groups.union(own))
    found = [f"through the role of {Role(name.rpartition(':')[2]).label.lower()}" for name in named if name]
    if "" in named:
        found.append("granted to this person on the organisation")
    if user.is_superuser and user.is_active:
        found.append("the account is a superuser's")
    return found


def _visibility(case: Case, actor: Actor | None) -> Check:
    what = f"{case.code} may be read"
    if actor is None:
        return Check(what, None, "Not looked at: a check before this one refuses.")
    seen = case.is_visible_to(actor)
    return Check(what, seen, f"Visibility is {case.visibility}." + ("" if seen else " This person is none of them."))


def _policy(action: str, case: Case | None, actor: Actor | None, own: TenantRules, now: datetime) -> Check:
    what = f"Policy {action}"
    if actor is None:
        return Check(what, None, "Not asked: a check before this one refuses.")
    resource = case.resource_for(action) if case else None
    if resource is None:
        return Check(what, None, "Policy looks at the case at hand, and none that this action is about was named.")
    tenant_id = resource["tenant"]
    document, problems = build_document(
        action=action, actor=actor, tenant=tenant_id, resource=resource, context={}, now=now
    )
    verdict = judge(
        document=document,
        problems=problems,
        bundle=policy_bundle(),
        own=TenantRules() if action.startswith(UNASKED) else own,
        engine=active_engine(),
        tenant_id=tenant_id,
    )
    if verdict.allow:
        return Check(what, True, "The rules in force allow it.")
    return Check(what, False, " ".join(reason.message for reason in verdict.reasons))


def _scopes(token: ApiToken, permission: str) -> Check:
    letting = [scope for scope in token.scopes if permission in permissions_in([scope])]
    why = f"Through {', '.join(letting)}." if letting else "None of its scopes lets this permission through."
    return Check(token.name, bool(letting), why)
