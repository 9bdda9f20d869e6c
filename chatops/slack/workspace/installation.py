"""Installing into a workspace: where a person is sent, and what becomes of the code that Slack sends back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from chatops.slack.outbound.client import SlackFailed, call
from chatops.slack.selectors import tenant_of_team
from chatops.slack.workspace.credentials import seal_token
from chatops.slack.workspace.lifecycle import Grant, yield_workspace
from chatops.slack.workspace.manifest import SCOPES
from conductor.lib.errors import Conflict
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

AUTHORIZE_URL = "https://slack.com/oauth/v2/authorize"
TIMEOUT_SECONDS = 8


class InstallRefused(Conflict):
    """Slack did not finish the installation."""

    code = "slack_install_refused"


def redirect_uri() -> str:
    """Return where Slack sends people back to."""
    return f"{settings.CONDUCTOR_BASE_URL.rstrip('/')}/slack/oauth_redirect"


def can_install() -> bool:
    """Whether the operator has told us which Slack app this is."""
    return bool(settings.SLACK_CLIENT_ID and settings.SLACK_CLIENT_SECRET)


def authorize_url(state: str) -> str:
    """Return the page of Slack's on which a person grants the scopes."""
    asked = {"client_id": settings.SLACK_CLIENT_ID, "scope": ",".join(SCOPES), "redirect_uri": redirect_uri()}
    return f"{AUTHORIZE_URL}?{urlencode({**asked, 'state': state})}"


def exchange(*, code: str, tenant: Tenant) -> Grant:
    """Exchange the code for a token, sealed; it is not logged. Needs the tenant's scope. Raise InstallRefused."""
    arguments = {
        "code": code,
        "client_id": settings.SLACK_CLIENT_ID,
        "client_secret": settings.SLACK_CLIENT_SECRET,
        "redirect_uri": redirect_uri(),
    }
    try:
        granted = call(token="", method="oauth.v2.access", arguments=arguments, timeout_seconds=TIMEOUT_SECONDS)
    except SlackFailed as failure:
        raise InstallRefused(f"Slack did not finish the installation: {failure.error}. Begin again.") from failure
    return _grant(granted, tenant)


def make_room(*, grant: Grant, tenant_id: UUID, now: datetime) -> None:
    """End a hold on the granted workspace that another tenant has on somebody's word alone. Needs no scope open."""
    holder = tenant_of_team(grant.team_id)
    if holder is not None and holder != tenant_id:
        with tenant_scope(holder):
            yield_workspace(team_id=grant.team_id, now=now)


def _grant(granted: dict[str, Any], tenant: Tenant) -> Grant:
    team, token = granted.get("team") or {}, str(granted.get("access_token") or "")
    if not team.get("id") or not token.startswith("xoxb-"):
        raise InstallRefused("Slack gave no bot token for one workspace. Install into a workspace, not for people.")
    return Grant(
        team_id=str(team["id"]),
        team_name=str(team.get("name") or team["id"])[:120],
        enterprise_id=str((granted.get("enterprise") or {}).get("id") or ""),
        app_id=str(granted.get("app_id") or ""),
        bot_user_id=str(granted.get("bot_user_id") or ""),
        scopes=tuple(each for each in str(granted.get("scope") or "").split(",") if each),
        sealed_token=seal_token(tenant_id=tenant.id, team_id=str(team["id"]), token=token),
    )
