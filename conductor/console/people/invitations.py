"""Pages of invitations: an admin's form and its acts, and the page that an invited person opens."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from conductor.access import passwords, selectors
from conductor.access.addresses import holder_of
from conductor.access.lifecycle import invitations
from conductor.access.lifecycle.invitations import (
    LIFETIMES,
    IssuedInvitation,
    accept_as_newcomer,
    accept_invitation,
    open_invitation,
    renew_invitation,
    revoke_invitation,
)
from conductor.access.mail import link_of, mail_invitation
from conductor.console.doors import door
from conductor.console.refusals.errors import refusal
from conductor.lib.clock import now
from conductor.lib.errors import Conflict, Invalid, Refused
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.roles import Role
from conductor.tenancy.sessions import proof
from conductor.tenancy.sessions.authentication import of_session

BACKEND = "django.contrib.auth.backends.ModelBackend"
DAYS = 7


@require_http_methods(["GET", "POST"])
@door(permission="manage_members")
def invite(request: TenantRequest, tenant: str) -> HttpResponseBase:
    """Invite somebody by address, role and how long the link is good."""
    given = {"email": "", "role": Role.RESPONDER.value, "days": str(DAYS)}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in given}
        try:
            issued = invitations.invite(
                tenant=request.tenant,
                email=given["email"],
                role=given["role"],
                days=_days(given["days"]),
                actor=request.actor,
                now=now(),
            )
        except Invalid as invalid:
            errors = invalid.fields
        except Conflict as conflict:
            errors = {"email": [conflict.detail]}
        else:
            return _mailed(request, issued)
    context = {"given": given, "errors": errors, "roles": Role.choices, "lifetimes": LIFETIMES}
    return render(request, "console/people/invite.html", context, status=422 if errors else 200)


@require_POST
@door(permission="view_evidence")
def renewal(request: TenantRequest, tenant: str, invitation_id: UUID) -> HttpResponseBase:
    """Send a new link; the old one is dead."""
    invitation = selectors.invitation(invitation_id)
    days = max(
        (each for each in LIFETIMES if each <= (invitation.expires_at - invitation.created_at).days), default=DAYS
    )
    issued = renew_invitation(invitation=invitation, days=days, actor=request.actor, now=now())
    return _mailed(request, issued)


@require_POST
@door(permission="view_evidence")
def revocation(request: TenantRequest, tenant: str, invitation_id: UUID) -> HttpResponseBase:
    """Make a link worthless."""
    invitation = selectors.invitation(invitation_id)
    revoke_invitation(invitation=invitation, actor=request.actor, now=now())
    messages.success(request, f"The invitation of {invitation.email} is revoked.")
    return redirect("console:members", tenant)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The page behind the link: join as who one is, or make an account first."""
    try:
        invitation = open_invitation(secret=secret, now=now())
        if request.user.is_authenticated:
            return _join(request, secret)
        if holder_of(invitation.email) is not None:
            return render(request, "console/people/invitation.html", {"invitation": invitation, "stage": "sign_in"})
        return _begin(request, secret, invitation)
    except Refused as refused:
        return refusal(request, refused)


def _join(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Somebody who is signed in: their address must be the one that was invited."""
    invitation = open_invitation(secret=secret, now=now())
    fits = request.user.email.casefold() == invitation.email.casefold()  # type: ignore[union-attr]
    if request.method == "GET" or not fits:
        stage = "join" if fits else "other"
        return render(request, "console/people/invitation.html", {"invitation": invitation, "stage": stage})
    with tenant_scope(invitation.tenant_id):
        accept_invitation(
            invitation=invitation,
            user=request.user,  # type: ignore[arg-type]
            proven=of_session(request, request.user),
            proof=proof.of_session(request, request.user),
            now=now(),
        )
    return redirect("incidents:list", tenant=invitation.tenant.slug)


def _begin(request: HttpRequest, secret: str, invitation: Any) -> HttpResponseBase:
    """Somebody without an account: name and password, then they are in; without passwords, they sign in next."""
    given = {name: request.POST.get(name, "") for name in ("first_name", "last_name")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            membership = accept_as_newcomer(
                secret=secret, **given, password=request.POST.get("password", ""), now=now()
            )
        except Invalid as invalid:
            errors = invalid.fields
        else:
            if not passwords.is_open():
                messages.success(request, "Your account is made. Sign in, and you are in.")
                return redirect("account_login")
            login(request, membership.user, backend=BACKEND)
            record_authentication(request, membership.user, method="password")
            UserSession.objects.create_from_request(request)
            return redirect("incidents:list", tenant=invitation.tenant.slug)
    context = {"invitation": invitation, "stage": "begin", "given": given, "errors": errors}
    return render(request, "console/people/invitation.html", context, status=422 if errors else 200)


def _mailed(request: TenantRequest, issued: IssuedInvitation) -> HttpResponseBase:
    """Mail the link once the invitation holds; the list says whether the mail went out."""
    transaction.on_commit(partial(mail_invitation, issued))
    said = f"{issued.invitation.email} is invited."
    if settings.CONDUCTOR_DEMO:
        said += f" The demonstration sends no mail; the link is {link_of(issued)}"
    messages.success(request, said)
    return redirect("console:members", request.tenant.slug)


def _days(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
