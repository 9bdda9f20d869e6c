"""Verbs: connect a workspace, and let go of it when either side ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from adapters.secrets import is_permitted
from chatops.models.outbox import OutboxMessage
from chatops.models.workspace import SlackInstallation
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Tenant

REFERENCES = ("env:", "file:")
OPERATOR = ("system",)


@dataclass(frozen=True)
class Grant:
    """What Slack gave when somebody installed the app, its token sealed already."""

    team_id: str
    team_name: str
    enterprise_id: str
    app_id: str
    bot_user_id: str
    scopes: tuple[str, ...]
    sealed_token: str


class WorkspaceTaken(Conflict):
    """This Slack workspace speaks for another organisation already. Remove the app there first."""

    code = "workspace_taken"


class WorkspaceUnproven(NotAllowed):
    """A workspace is connected from Slack itself: choose Connect a workspace on the Slack page."""

    code = "workspace_unproven"


class ReferenceNotPermitted(Invalid):
    """Your organisation may not use this secret. An operator can permit it with CONDUCTOR_SECRET_REFERENCES."""

    code = "reference_not_permitted"


def link_workspace(
    *, tenant_id: UUID, team_id: str, team_name: str, actor: Actor, now: datetime, bot_token_reference: str = ""
) -> SlackInstallation:
    """Let the workspace speak for the tenant on the operator's word, again if it was revoked. Needs the tenant's scope.

    An admin may only change the name and the token's reference of a workspace that speaks for the tenant already;
    for another raise WorkspaceUnproven. Raise WorkspaceTaken where it speaks for another tenant, Invalid where a token
    itself was given.
    """
    require(actor=actor, permission="manage_adapters")
    speaks = SlackInstallation.objects.filter(team_id=team_id, revoked_at=None).exists()
    if actor.roles != OPERATOR and not speaks:
        raise WorkspaceUnproven
    if bot_token_reference:
        _require_permitted(tenant_id, bot_token_reference, actor)
    given: dict[str, Any] = {"team_name": team_name, "bot_token_reference": bot_token_reference}
    return _connect(tenant_id, team_id, given, "chatops.workspace.linked", actor, now)


def install_workspace(*, tenant_id: UUID, grant: Grant, actor: Actor, now: datetime) -> SlackInstallation:
    """Let the workspace speak for the tenant with the token that Slack granted, sealed. Needs the tenant's scope.

    Installing again replaces the token. Raise WorkspaceTaken where it speaks for another tenant.
    """
    require(actor=actor, permission="manage_adapters")
    given = {
        "team_name": grant.team_name,
        "enterprise_id": grant.enterprise_id,
        "app_id": grant.app_id,
        "bot_user_id": grant.bot_user_id,
        "bot_scopes": list(grant.scopes),
        "bot_token_sealed": grant.sealed_token,
        "bot_token_reference": "",
        "is_granted": True,
    }
    return _connect(tenant_id, grant.team_id, given, "chatops.workspace.installed", actor, now)


def revoke_workspace(*, installation: SlackInstallation, actor: Actor, now: datetime, why: str = "by hand") -> bool:
    """Stop listening to the workspace and forget its token; return False if that was so already.

    What it did stays on record, and so does who ended it and when. What waits to be said there is given up.
    """
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        live = SlackInstallation.objects.filter(id=installation.id, revoked_at=None)
        if not live.update(revoked_at=now, revoked_why=why[:40], bot_token_sealed="", bot_token_reference=""):
            return False
        waiting = OutboxMessage.objects.filter(team_id=installation.team_id, state=OutboxMessage.State.PENDING)
        waiting.update(state=OutboxMessage.State.DEAD, error="the workspace was disconnected")
        body = {"team": installation.team_id, "why": why}
        _keep_act("chatops.workspace.revoked", installation, actor, now, body)
    installation.refresh_from_db()
    return True


def yield_workspace(*, team_id: str, now: datetime) -> bool:
    """End the tenant's hold on the workspace where only somebody's word made it; return whether it was ended.

    For a grant of Slack's own to another tenant, which beats such a word. What Slack granted here stays. Needs the
    scope of the tenant that yields.
    """
    installation = SlackInstallation.objects.filter(team_id=team_id, revoked_at=None, is_granted=False).first()
    if installation is None:
        return False
    return revoke_workspace(installation=installation, actor=Actor.system(), now=now, why="granted elsewhere")


def _connect(
    tenant_id: UUID, team_id: str, given: dict[str, Any], action: str, actor: Actor, now: datetime
) -> SlackInstallation:
    fresh = {
        "installed_by": actor.ref,
        "installed_at": now,
        "revoked_at": None,
        "revoked_why": "",
    }
    try:
        with transaction.atomic():
            row, _ = SlackInstallation.objects.update_or_create(
                tenant_id=tenant_id, team_id=team_id, defaults={**given, **fresh}
            )
            _keep_act(action, row, actor, now, {"team": team_id, "name": row.team_name})
    except IntegrityError as error:
        raise WorkspaceTaken from error
    return row


def _require_permitted(tenant_id: UUID, reference: str, actor: Actor) -> None:
    if not reference.startswith(REFERENCES):
        raise Invalid(fields={"bot_token_reference": [f"Say where the token is: {', '.join(REFERENCES)}…"]})
    slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
    if actor.roles != OPERATOR and not is_permitted(reference=reference, tenant_slug=slug):
        raise ReferenceNotPermitted(fields={"bot_token_reference": ["Not among the permitted references."]})


def _keep_act(action: str, row: SlackInstallation, actor: Actor, now: datetime, body: dict[str, Any]) -> None:
    append(
        tenant_id=row.tenant_id,
        action=action,
        subject=ref("chatops.installation", row.id),
        subject_name=str(row),
        actor=actor,
        now=now,
        body=body,
    )
