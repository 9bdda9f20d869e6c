"""Receipts about people and memberships: the one place that knows their shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from conductor.ledger.receipts import append
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name
from conductor.tenancy.invitations import Invitation
from conductor.tenancy.models import ApiToken, Membership

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import User


def record_act_of(
    *, user: User, tenant_id: UUID, action: str, body: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    """Keep what a person did with their account (signed in, failed to, added a key) in one of their tenants' logs."""
    append(
        tenant_id=tenant_id,
        action=action,
        subject=ref("tenancy.user", user.pk),
        subject_name=display_name(user),
        actor=actor,
        now=now,
        body=body,
    )


def record_of_member(
    *, membership: Membership, action: str, body: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    """Keep what was done to a membership, found from the membership and from the person."""
    append(
        tenant_id=membership.tenant_id,
        action=action,
        subject=membership.ref,
        subject_name=display_name(membership.user),
        actor=actor,
        now=now,
        body=body,
        links=[ref("tenancy.user", membership.user_id)],
    )


def record_of_invitation(
    invitation: Invitation, *, action: str, body: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    """Keep what was done to an invitation."""
    append(
        tenant_id=invitation.tenant_id,
        action=action,
        subject=invitation.ref,
        subject_name=invitation.email,
        actor=actor,
        now=now,
        body=body,
    )


def record_of_token(token: ApiToken, *, action: str, body: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Keep what was done to an API token, found from the token and from the membership that it acts as."""
    append(
        tenant_id=token.tenant_id,
        action=action,
        subject=token.ref,
        subject_name=token.name,
        actor=actor,
        now=now,
        body=body,
        links=[token.membership.ref],
    )
