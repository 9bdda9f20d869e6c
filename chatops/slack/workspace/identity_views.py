"""The page behind the link that a Slack user got: is this Slack account yours?"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chatops.models.workspace import SlackInstallation
from chatops.slack.workspace.identities import confirm_identity, read_claim
from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.tenancy.requests import TenantRequest


@never_cache
@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def identity_confirm(request: TenantRequest, tenant: str, token: str) -> HttpResponseBase:
    """Show who asked; with a POST, link that Slack user to whoever is signed in."""
    claim = read_claim(token=token, tenant_id=request.tenant.id, now=now())
    if request.method == "POST":
        confirm_identity(
            token=token,
            tenant_id=request.tenant.id,
            user=request.user,  # type: ignore[arg-type]
            actor=request.actor,
            now=now(),
        )
        messages.success(request, f"What {claim.slack_user_id} does in Slack is now done in your name.")
        return redirect("slack:workspaces", tenant)
    workspace = SlackInstallation.objects.filter(team_id=claim.team_id).first()
    return render(request, "chatops/workspace/identity.html", {"claim": claim, "workspace": workspace})
