"""Who speaks in Slack, from where, and what the workspace lets us do there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import User

from chatops.commands import lookup
from chatops.commands.arguments import Command
from chatops.commands.call import Said
from chatops.models.inbound_request import SlackReceipt
from chatops.models.workspace import SlackIdentity, SlackInstallation
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.viewing import look_as
from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions.proof import Proof, of_slack


@dataclass(frozen=True)
class Member:
    """The member that a Slack user is linked to."""

    user: User
    actor: Actor


@dataclass(frozen=True)
class Speaker:
    """Somebody in a workspace, at the moment of a request."""

    receipt: SlackReceipt
    tenant: Tenant
    member: Member | None
    """None: nobody has said yet which member this is."""
    command: str
    channel_id: str
    now: datetime

    @cached_property
    def installation(self) -> SlackInstallation | None:
        """The workspace; looked up when it is asked for."""
        return SlackInstallation.objects.filter(team_id=self.receipt.team_id).first()

    @property
    def can_open_modals(self) -> bool:
        """Whether a modal can be opened: the workspace has a token, and this request carries a trigger."""
        if not self.receipt.payload.get("trigger_id"):
            return False
        return self.installation is not None and self.installation.has_token

    def say(self, understood: Command) -> Said:
        """Return what the member says. Needs a member."""
        if self.member is None:
            raise LookupError("nobody knows who speaks")
        return Said(
            understood.verb,
            understood.args,
            self.command,
            self.tenant,
            self.receipt.team_id,
            self.member.user,
            self.member.actor,
            self.now,
            self.receipt.spooled_at,
            self.channel_id,
        )

    def elsewhere(self, channel_id: str) -> Speaker:
        """Return the same person as if they spoke in another channel, for a modal that was opened there."""
        return replace(self, channel_id=channel_id)


def speaker_of(receipt: SlackReceipt, *, command: str, now: datetime) -> Speaker:
    """Return who sent the request. Needs the tenant's scope."""
    tenant = Tenant.objects.get(id=receipt.tenant_id)
    found = lookup.identity_of(team_id=receipt.team_id, slack_user_id=receipt.slack_user_id)
    user = found.user if found else None
    proof = _proof(receipt, found) if found else None
    actor = actor_for_user(user=user, tenant=tenant, channel="slack", proof=proof) if user is not None else None
    if actor is not None:
        look_as(actor)
    member = Member(user, actor) if user is not None and actor is not None else None
    return Speaker(receipt, tenant, member, command, receipt.channel_id, now)


def _proof(receipt: SlackReceipt, identity: SlackIdentity) -> Proof:
    return of_slack(
        team_id=receipt.team_id,
        slack_user_id=receipt.slack_user_id,
        linked_by=identity.proven_by,
        linked_at=identity.linked_at,
        at=receipt.received_at,
    )
