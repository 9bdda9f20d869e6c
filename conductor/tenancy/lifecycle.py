"""Verbs on tenants: create one, add and remove members, issue and revoke API tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.models import ApiToken, Environment, Membership, Tenant
from conductor.tenancy.roles import ROLE_PERMISSIONS, SCOPES, Role
from conductor.tenancy.sessions import bearer

if TYPE_CHECKING:
    from django.contrib.auth.models import User


PREFIX_LENGTH = 6
"""So much of a secret's 43 characters is kept, to recognise it by; the other 222 bits are not."""


class AlreadyMember(Conflict):
    """This person is a member of the tenant already."""

    code = "already_member"


@dataclass(frozen=True)
class IssuedToken:
    """A new token and the only sight of its secret."""

    token: ApiToken
    secret: str


def create_tenant(*, tenant_id: UUID, slug: str, name: str, now: datetime, is_staged: bool = False) -> Tenant:
    """Create the tenant and the groups that carry its role permissions. Needs the scope of `tenant_id`.

    `is_staged` says for good that it is a demonstration: whatever leaves it says so too.
    """
    with transaction.atomic():
        tenant = Tenant.objects.create(id=tenant_id, slug=slug, name=name, created_at=now, is_staged=is_staged)
        for role, permissions in ROLE_PERMISSIONS.items():
            group = Group.objects.create(name=_group_name(tenant, role))
            for permission in sorted(permissions):
                assign_perm(permission, group, tenant)
    return tenant


def add_environment(*, tenant: Tenant, slug: str, name: str, kind: str) -> Environment:
    """Create an environment of the tenant."""
    return Environment.objects.create(tenant=tenant, slug=slug, name=name, kind=kind)


def add_member(*, tenant: Tenant, user: User, role: str, now: datetime) -> Membership:
    """Make `user` a member in `role`, again if they had left.

    Raise AlreadyMember if they are one, Invalid on an unknown role.
    """
    if role not in Role.values:
        raise Invalid(fields={"role": [f"Choose one of {', '.join(Role.values)}."]})
    try:
        with transaction.atomic():
            back = Membership.ever.filter(tenant=tenant, user=user).exclude(removed_at=None)
            if not back.update(role=role, created_at=now, removed_at=None, given_by_groups=False):
                Membership.objects.create(tenant=tenant, user=user, role=role, created_at=now)
            user.groups.add(Group.objects.get(name=_group_name(tenant, role)))
    except IntegrityError as error:
        raise AlreadyMember from error
    return Membership.objects.get(tenant=tenant, user=user)


def change_role(*, membership: Membership, role: str) -> None:
    """Give the member another role, and its permissions in place of the former's. Raise Invalid on an unknown one."""
    if role not in Role.values:
        raise Invalid(fields={"role": [f"Choose one of {', '.join(Role.values)}."]})
    with transaction.atomic():
        if not Membership.objects.filter(id=membership.id, role=membership.role).update(role=role):
            raise Conflict
        _leave_groups(membership)
        membership.user.groups.add(Group.objects.get(name=_group_name(membership.tenant, role)))


def remove_member(*, membership: Membership, now: datetime) -> int:
    """End the membership and revoke its API tokens; return how many were in use. Raise Conflict if it ended already."""
    with transaction.atomic():
        if not Membership.objects.filter(id=membership.id).update(removed_at=now):
            raise Conflict
        _leave_groups(membership)
        live = ApiToken.objects.filter(membership=membership, revoked_at=None, expires_at__gt=now)
        return live.update(revoked_at=now)


def _leave_groups(membership: Membership) -> None:
    membership.user.groups.remove(*Group.objects.filter(name__startswith=f"tenant:{membership.tenant_id}:"))


def issue_token(
    *, membership: Membership, name: str, scopes: Sequence[str], now: datetime, lifetime: timedelta = timedelta(days=90)
) -> IssuedToken:
    """Issue an API token; its secret exists in the return value only. Raise Invalid on unknown scopes."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise Invalid(fields={"scopes": [f"Unknown scope {scope}." for scope in unknown]})
    random = secrets.token_urlsafe(32)
    secret = f"{bearer.PREFIX}_{membership.tenant_id.hex}_{random}"
    token = ApiToken.objects.create(
        tenant_id=membership.tenant_id,
        membership=membership,
        name=name,
        digest=sha256_hex(secret.encode()),
        prefix=random[:PREFIX_LENGTH],
        scopes=list(scopes),
        expires_at=now + lifetime,
        created_at=now,
    )
    return IssuedToken(token, secret)


def revoke_token(*, token: ApiToken, now: datetime) -> bool:
    """Revoke the token; return False if it was revoked already."""
    return ApiToken.objects.filter(id=token.id, revoked_at=None).update(revoked_at=now) == 1


def _group_name(tenant: Tenant, role: str) -> str:
    return f"tenant:{tenant.id}:{Role(role).value}"
