"""Verbs on who gets in: members, and the record of how people sign in. Each leaves a receipt in its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict
from conductor.lib.refs import Ref, ref
from conductor.tenancy import lifecycle as tenancy
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import Role

if TYPE_CHECKING:
    from uuid import UUID

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
        _keep("access.member.added", membership, actor, now, {"role": role})
    return membership


def change_role(*, membership: Membership, role: str, actor: Actor, now: datetime) -> Membership:
    """Give the member another role. Raise LastAdmin where nobody else is an admin, Invalid on an unknown role."""
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        before = membership.role
        if before == Role.ADMIN and role != Role.ADMIN:
            _refuse_last_admin(membership)
        tenancy.change_role(membership=membership, role=role)
        _keep("access.member.role_changed", membership, actor, now, {"from": before, "to": role})
    membership.refresh_from_db()
    return membership


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


def _refuse_last_admin(membership: Membership) -> None:
    admins = Membership.objects.select_for_update().filter(role=Role.ADMIN.value)
    if not [each for each in admins if each.id != membership.id]:
        raise LastAdmin


def _member_ref(membership: Membership) -> Ref:
    return ref("tenancy.membership", membership.id)


def _keep(action: str, membership: Membership, actor: Actor, now: datetime, body: Mapping[str, Any]) -> None:
    append(
        tenant_id=membership.tenant_id,
        action=action,
        subject=_member_ref(membership),
        subject_name=display_name(membership.user),
        actor=actor,
        now=now,
        body=body,
        links=[ref("tenancy.user", membership.user_id)],
    )
