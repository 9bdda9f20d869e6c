"""Pages about people: who belongs to the organisation, in which role, how surely they sign in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from conductor.access import selectors
from conductor.access.lifecycle.members import change_role, remove_member
from conductor.access.lifecycle.second_step import GRACE, require_second_step, stop_requiring_second_step
from conductor.access.lifecycle.sessions import end_sessions
from conductor.access.mail import no_mail_because
from conductor.console.doors import door
from conductor.ledger.selectors import receipts_for
from conductor.lib.clock import now
from conductor.tenancy.models import Membership
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.roles import PERMISSIONS, ROLE_PERMISSIONS, Role


@require_GET
@door(permission="view_evidence")
def member_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Everybody who belongs to the organisation."""
    found = selectors.members()
    context = {
        "members": found,
        "invitations": selectors.open_invitations(),
        "no_mail_because": no_mail_because(),
        "now": now(),
        "grace": GRACE,
        "admins": sum(each.membership.role == Role.ADMIN for each in found),
        "have_second_step": sum(bool(each.second_steps) for each in found),
        "without": sum(not each.second_steps for each in found),
    }
    return render(request, "console/people/list.html", context)


@require_GET
@door(permission="view_evidence")
def member_detail(request: TenantRequest, tenant: str, membership_id: UUID) -> HttpResponse:
    """One member: role, sign-in, sessions, what was done to the membership."""
    member = selectors.member(membership_id)
    held = ROLE_PERMISSIONS[member.membership.role]
    context = {
        "member": member,
        "is_me": member.membership.user_id == request.user.pk,
        "sessions": len(selectors.live_sessions(member.membership, now=now())),
        "roles": Role.choices,
        "held": [sentence for name, sentence in PERMISSIONS.items() if name in held],
        "receipts": receipts_for(member.membership.ref),
    }
    return render(request, "console/people/member.html", context)


@require_POST
@door(permission="view_evidence")
def role(request: TenantRequest, tenant: str, membership_id: UUID) -> HttpResponse:
    """Give a member another role."""
    membership = _live(membership_id)
    changed = change_role(membership=membership, role=request.POST.get("role", ""), actor=request.actor, now=now())
    messages.success(request, f"{_name(changed)} is now {changed.get_role_display().lower()}.")
    return redirect("console:member", tenant, membership_id)


@require_POST
@door(permission="view_evidence")
def sessions(request: TenantRequest, tenant: str, membership_id: UUID) -> HttpResponse:
    """Sign a member out of every browser."""
    membership = _live(membership_id)
    ended = end_sessions(membership=membership, actor=request.actor, now=now())
    if membership.user_id == request.user.pk:
        logout(request)
        return redirect("account_login")
    messages.success(request, f"{_name(membership)} is signed out: {ended} session{'' if ended == 1 else 's'} ended.")
    return redirect("console:member", tenant, membership_id)


@require_POST
@door(permission="view_evidence")
def removal(request: TenantRequest, tenant: str, membership_id: UUID) -> HttpResponse:
    """End a membership."""
    membership = remove_member(membership=_live(membership_id), actor=request.actor, now=now())
    if membership.user_id == request.user.pk:
        logout(request)
        return redirect("home")
    messages.success(request, f"{_name(membership)} is no longer a member. Their sessions and tokens have ended.")
    return redirect("console:members", tenant)


@require_POST
@door(permission="view_evidence")
def second_step(request: TenantRequest, tenant: str) -> HttpResponse:
    """Require a second step after some days, or require none any more."""
    days = request.POST.get("days", "")
    if days == "none":
        stop_requiring_second_step(tenant=request.tenant, actor=request.actor, now=now())
        messages.success(request, "A second step is not required any more.")
    else:
        require_second_step(
            tenant=request.tenant,
            grace_days=int(days) if days in map(str, GRACE) else -1,
            actor=request.actor,
            now=now(),
        )
        messages.success(request, "A second step is required. Who signs in without one is led to set it up.")
    return redirect("console:members", tenant)


def _live(membership_id: UUID) -> Membership:
    return selectors.member(membership_id).membership


def _name(membership: Membership) -> str:
    return membership.user.get_full_name() or membership.user.get_username()
