"""Verbs on who is who in a workspace. Only the member, signed in, or the operator says which member a Slack user is.

A link to confirm is given to the Slack user alone, in an answer that Slack shows to nobody else: to have it is to hold
the Slack account. To open it signed in is to be the member (docs/decisions/0072).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction

from chatops.models.workspace import SlackIdentity, SlackInstallation
from conductor.ledger.receipts import append
from conductor.lib.errors import Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Membership

GOOD_FOR = timedelta(minutes=15)
OPERATOR = ("system",)
_SALT = "chatops.identity"


class WorkspaceUnknown(Invalid):
    """This Slack workspace is not connected to your organisation."""

    code = "workspace_unknown"


class NotAMember(Invalid):
    """This person is not a member of your organisation. Add them as a member first."""

    code = "not_a_member"


class NotYoursToLink(NotAllowed):
    """Only the member can link their Slack account: they send a command in Slack and follow the link in its answer."""

    code = "not_yours_to_link"


class LinkNotGood(NotAllowed):
    """This link was used already, is older than fifteen minutes, or is of another organisation. Ask again in Slack."""

    code = "identity_link_not_good"


@dataclass(frozen=True)
class Claim:
    """What a link says: this Slack user asked, then."""

    team_id: str
    slack_user_id: str
    asked_at: datetime


def issue_claim(*, tenant_id: UUID, team_id: str, slack_user_id: str, now: datetime) -> str:
    """Return the text of a link for the Slack user alone, good for fifteen minutes and once."""
    said = [str(tenant_id), team_id, slack_user_id, now.timestamp()]
    return signing.dumps(said, salt=_SALT, compress=True)


def read_claim(*, token: str, tenant_id: UUID, now: datetime) -> Claim:
    """Return what the link says. Needs the tenant's scope. Raise LinkNotGood unless it is good at `now`."""
    try:
        tenant, team_id, slack_user_id, asked = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError) as error:
        raise LinkNotGood from error
    claim = Claim(team_id, slack_user_id, datetime.fromtimestamp(asked, UTC))
    used = SlackIdentity.ever.filter(team_id=team_id, slack_user_id=slack_user_id, linked_at__gte=claim.asked_at)
    if tenant != str(tenant_id) or not claim.asked_at <= now < claim.asked_at + GOOD_FOR or used.exists():
        raise LinkNotGood
    return claim


def confirm_identity(*, token: str, tenant_id: UUID, user: User, actor: Actor, now: datetime) -> SlackIdentity:
    """Link the Slack user who was given the link to the member who opened it. Needs the tenant's scope.

    Raise LinkNotGood, NotYoursToLink for anybody but the member themselves, WorkspaceUnknown, NotAMember.
    """
    if actor.ref != ref("tenancy.user", user.pk) or actor.channel != "console":
        raise NotYoursToLink
    with transaction.atomic():
        claim = read_claim(token=token, tenant_id=tenant_id, now=now)
        return _link(tenant_id, claim.team_id, claim.slack_user_id, user, "member", actor, now)


def link_identity(
    *, tenant_id: UUID, team_id: str, slack_user_id: str, user: User, actor: Actor, now: datetime
) -> SlackIdentity:
    """Say on the operator's word which member a Slack user is; a link made before is replaced.

    Needs the tenant's scope. Raise NotYoursToLink for everybody else, admins too.
    """
    if actor.roles != OPERATOR:
        raise NotYoursToLink
    return _link(tenant_id, team_id, slack_user_id, user, "operator", actor, now)


def unlink_identity(*, identity: SlackIdentity, actor: Actor, now: datetime) -> bool:
    """Let the Slack user name nobody; return False if that was so. For admins and for the member themselves."""
    if actor.ref != ref("tenancy.user", identity.user_id):
        require(actor=actor, permission="manage_members")
    with transaction.atomic():
        if not SlackIdentity.objects.filter(id=identity.id).update(proven_by=""):
            return False
        _keep_act("chatops.identity.unlinked", identity, actor, now)
    return True


def _link(
    tenant_id: UUID, team_id: str, slack_user_id: str, user: User, proven_by: str, actor: Actor, now: datetime
) -> SlackIdentity:
    if not SlackInstallation.objects.filter(team_id=team_id, revoked_at=None).exists():
        raise WorkspaceUnknown
    if not Membership.objects.filter(user=user).exists():
        raise NotAMember
    with transaction.atomic():
        row, _ = SlackIdentity.ever.update_or_create(
            tenant_id=tenant_id,
            team_id=team_id,
            slack_user_id=slack_user_id,
            defaults={"user": user, "linked_at": now, "proven_by": proven_by},
        )
        _keep_act("chatops.identity.linked", row, actor, now)
    return row


def _keep_act(action: str, row: SlackIdentity, actor: Actor, now: datetime) -> None:
    body = {
        "team": row.team_id,
        "slack_user": row.slack_user_id,
        "user": ref("tenancy.user", row.user_id),
        "proven_by": row.proven_by,
    }
    append(
        tenant_id=row.tenant_id,
        action=action,
        subject=ref("chatops.identity", row.id),
        subject_name=str(row),
        actor=actor,
        now=now,
        body=body,
    )
