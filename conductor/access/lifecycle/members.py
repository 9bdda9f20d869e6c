"""Verbs on members: add one, give another role, remove. Somebody always stays who can manage the organisation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from conductor.access.lifecycle.invitations import revoke_invitations_of
from conductor.access.lifecycle.records import record_of_member
from conductor.access.lifecycle.sessions import drop_sessions
from conductor.lib.errors import Conflict
from conductor.tenancy import lifecycle as tenancy
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PERMISSION = "manage_members"


class LastAdmin(Conflict):
    """This is the last admin. Make somebody else an admin first, or nobody could manage the organisation."""

    code = "last_admin"


def add_member(*, tenant: Tenant, user: User, role: str, actor: Actor, now: datetime) -> Membership:
    """Make the person a member in `role`. Raise AlreadyMember if they are one, Invalid on an unknown role."""
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        membership = tenancy.add_member(tenant=tenant, user=user, role=role, now=now)
        record_of_member(membership=membership, action="access.member.added", body={"role": role}, actor=actor, now=now)
    return membership


def change_role(*, membership: Membership, role: str, actor: Actor, now: datetime) -> Membership:
    """Give the member another role. Raise LastAdmin where nobody else is an admin, Invalid on an unknown role.

    What they may do changes with their next request. Giving the role that they have changes nothing.
    """
    require(actor=actor, permission=PERMISSION)
    before = membership.role
    if role == before:
        return membership
    with transaction.atomic():
        if before == Role.ADMIN:
            _refuse_last_admin(membership)
        tenancy.change_role(membership=membership, role=role)
        body: dict[str, Any] = {"from": before, "to": role}
        if before == Role.ADMIN:
            body["invitations_revoked"] = revoke_invitations_of(user_id=membership.user_id, now=now)
        record_of_member(membership=membership, action="access.member.role_changed", body=body, actor=actor, now=now)
    membership.refresh_from_db()
    return membership


def remove_member(*, membership: Membership, actor: Actor, now: datetime) -> Membership:
    """End the membership, at once: permissions, API tokens, sessions and what they invited go with it.

    Raise LastAdmin where nobody else is an admin, Conflict if they left already.
    """
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        if membership.role == Role.ADMIN:
            _refuse_last_admin(membership)
        tokens = tenancy.remove_member(membership=membership, now=now)
        body = {
            "role": membership.role,
            "tokens_revoked": tokens,
            "sessions_ended": drop_sessions(membership),
            "invitations_revoked": revoke_invitations_of(user_id=membership.user_id, now=now),
        }
        record_of_member(membership=membership, action="access.member.removed", body=body, actor=actor, now=now)
    membership.refresh_from_db()
    return membership


def note_given_by_groups(*, membership: Membership) -> None:
    """Keep that the identity provider's groups gave the membership or its role, so that it ends with them."""
    Membership.objects.filter(id=membership.id).update(given_by_groups=True)


def _refuse_last_admin(membership: Membership) -> None:
    """Hold the rows of all admins until the transaction ends, so that two cannot remove each other at once."""
    admins = Membership.objects.select_for_update(of=("self",)).filter(role=Role.ADMIN.value, user__is_active=True)
    if not [each for each in admins.order_by("id") if each.id != membership.id]:
        raise LastAdmin
