"""Pages of API tokens: the list, the form that issues one and shows its secret once, revocation."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.access import selectors
from conductor.access.lifecycle.tokens import LIFETIMES, NAME_LENGTH, issue_token, revoke_token
from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.tenancy.models import Membership
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.roles import PERMISSIONS, SCOPES

DAYS = 90
_TRIED = (("view_incidents", "incidents"), ("view_evidence", "bundles"), ("view_controls", "controls"))
"""Permission and what it lets a token read, for the command that a new token's page prints."""


@require_GET
@door(permission="view_evidence")
def token_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every token: those that work first, then those that do not any more."""
    moment = now()
    found = selectors.tokens()
    live = [each for each in found if each.is_live(moment)]
    context = {
        "live": live,
        "ended": [each for each in found if not each.is_live(moment)],
        "unused": sum(each.last_used_at is None for each in live),
        "me": request.user.pk,
    }
    return render(request, "console/people/tokens.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@door(permission="manage_members")
def issue(request: TenantRequest, tenant: str) -> HttpResponse:
    """Issue a token for oneself. The answer to the form is the only page that ever shows its secret."""
    given = {"name": request.POST.get("name", ""), "days": request.POST.get("days", str(DAYS))}
    scopes = request.POST.getlist("scopes")
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            issued = issue_token(
                membership=Membership.objects.get(user_id=request.user.pk or 0),
                name=given["name"],
                scopes=scopes,
                days=int(given["days"]) if given["days"] in map(str, LIFETIMES) else 0,
                actor=request.actor,
                now=now(),
            )
        except Invalid as invalid:
            errors = invalid.fields
        else:
            context = {"token": issued.token, "secret": issued.secret, "try_url": _tried(tenant, scopes)}
            return render(request, "console/people/token_issued.html", context)
    context = {
        "given": given,
        "errors": errors,
        "lifetimes": LIFETIMES,
        "name_length": NAME_LENGTH,
        "scopes": [
            (scope, scope in scopes, "; ".join(PERMISSIONS[name] for name in sorted(held)))
            for scope, held in SCOPES.items()
        ],
    }
    return render(request, "console/people/token_issue.html", context, status=422 if errors else 200)


def _tried(tenant: str, scopes: list[str]) -> str:
    """Return an address that a token of these scopes may read; the API's own document where there is none."""
    held = {name for scope in scopes for name in SCOPES.get(scope, ())}
    path = next((f"tenants/{tenant}/{path}" for permission, path in _TRIED if permission in held), "openapi.json")
    return f"{settings.CONDUCTOR_BASE_URL}/api/v1/{path}"


@require_POST
@door(permission="view_evidence")
def revocation(request: TenantRequest, tenant: str, token_id: UUID) -> HttpResponse:
    """Make a token worthless."""
    token = selectors.token(token_id)
    revoke_token(token=token, actor=request.actor, now=now())
    messages.success(request, f"{token.name} is revoked. Requests that carry it are refused from now on.")
    return redirect("console:member_tokens", tenant)
