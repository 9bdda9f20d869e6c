"""The console's page of Slack workspaces: connect, disconnect, and what could not be delivered."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from chatops.models.outbox import OutboxMessage
from chatops.models.workspace import SlackInstallation
from chatops.slack.outbound.lifecycle import retry_message
from chatops.slack.workspace import installation as workspace_installation
from chatops.slack.workspace import selectors
from chatops.slack.workspace.lifecycle import install_workspace, revoke_workspace
from chatops.slack.workspace.oauth import begin_installation, consume_state, tenant_in
from conductor.console.doors import door
from conductor.console.refusals.errors import refusal
from conductor.lib.clock import now
from conductor.lib.errors import NotFound, Refused
from conductor.tenancy.actors import actor_for_user, require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.sessions import proof
from conductor.tenancy.sessions.authentication import of_session


@require_GET
@door(permission="view_incidents")
def workspaces(request: TenantRequest, tenant: str) -> HttpResponse:
    """The workspaces that speak for the organisation, what waits for them, and what was given up."""
    context = {**selectors.workspaces_page(), "can_install": workspace_installation.can_install()}
    return render(request, "chatops/workspace/workspaces.html", context)


@require_POST
@door(permission="manage_adapters")
def install(request: TenantRequest, tenant: str) -> HttpResponse:
    """Begin an installation and show the way to Slack.

    A link and not a redirect: the policy of our pages lets forms lead to our own addresses only.
    """
    if not request.session.session_key:
        request.session.create()
    state = begin_installation(
        tenant_id=request.tenant.id,
        user=request.user,  # type: ignore[arg-type]
        session_key=request.session.session_key or "",
        actor=request.actor,
        now=now(),
    )
    return render(
        request, "chatops/workspace/install.html", {"authorize_url": workspace_installation.authorize_url(state)}
    )


@require_GET
@login_required
def oauth_redirect(request: HttpRequest) -> HttpResponse:
    """Take Slack's answer to an installation that this person began in this session, once."""
    try:
        slug = _finish(request)
    except Refused as refused:
        return refusal(request, refused)
    return redirect("slack:workspaces", tenant=slug)


def _finish(request: HttpRequest) -> str:
    user: User = request.user  # type: ignore[assignment]
    state, moment = request.GET.get("state", ""), now()
    tenant_id = tenant_in(state)
    with tenant_scope(tenant_id):
        key = request.session.session_key or ""
        consume_state(state=state, user=user, session_key=key, now=moment)
    if request.GET.get("error"):
        raise workspace_installation.InstallRefused("Nothing was installed: it was cancelled in Slack.")
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(id=tenant_id)
        actor = actor_for_user(
            user=user,
            tenant=tenant,
            channel="console",
            authentication=of_session(request, request.user),
            proof=proof.of_session(request, request.user),
        )
        if actor is None:
            raise NotFound
        require(actor=actor, permission="manage_adapters")
        grant = workspace_installation.exchange(code=request.GET.get("code", ""), tenant=tenant)
    workspace_installation.make_room(grant=grant, tenant_id=tenant_id, now=moment)
    with tenant_scope(tenant_id):
        install_workspace(tenant_id=tenant_id, grant=grant, actor=actor, now=moment)
    return tenant.slug


@require_POST
@door(permission="manage_adapters")
def disconnect(request: TenantRequest, tenant: str, workspace_id: UUID) -> HttpResponse:
    """Stop listening to the workspace and forget its token."""
    installation = SlackInstallation.objects.filter(id=workspace_id).first()
    if installation is None:
        raise NotFound
    revoke_workspace(installation=installation, actor=request.actor, now=now())
    return redirect("slack:workspaces", tenant=tenant)


@require_POST
@door(permission="manage_adapters")
def retry(request: TenantRequest, tenant: str, message_id: UUID) -> HttpResponse:
    """Queue a message that was given up once more."""
    message = OutboxMessage.objects.filter(id=message_id).first()
    if message is None:
        raise NotFound
    retry_message(message=message, actor=request.actor, now=now())
    return redirect("slack:workspaces", tenant=tenant)
