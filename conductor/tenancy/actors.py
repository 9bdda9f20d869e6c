"""Who acts: a person, a program or Conductor itself, and what they hold in the tenant at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import get_perms

from conductor.lib.errors import NotAllowed
from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import PERMISSIONS, holders, scopes_for
from conductor.tenancy.sessions.authentication import BY_CHANNEL, Authentication
from conductor.tenancy.sessions.proof import NOBODY, Proof, of_channel, of_conductor

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

CHANNELS = ("console", "api", "slack", "engine", "alert", "cli")


class PermissionMissing(NotAllowed):
    """You do not hold the permission that this needs."""

    code = "permission_missing"


class InsufficientScope(NotAllowed):
    """Your token has no scope that lets this through."""

    code = "insufficient_scope"

    def __init__(self, permission: str) -> None:
        self.scopes = scopes_for(permission)
        one_of = " or ".join(self.scopes) or "any scope: no scope lets this through; do it in the console"
        super().__init__(f"You may do this, and your token may not: it lacks {one_of}. Issue one with that scope.")


@dataclass(frozen=True)
class Actor:
    """Somebody who acts in one tenant, through one channel."""

    ref: Ref
    name: str
    roles: tuple[str, ...]
    """Upper-case role names of the tenant, or ("system",)."""
    channel: str
    """One of CHANNELS: the door they came through."""
    permissions: frozenset[str] = field(default_factory=frozenset)
    """Permission codenames held on the tenant (conductor.tenancy.roles.PERMISSIONS)."""
    authentication: Authentication = Authentication.UNKNOWN
    """How surely they are who they say (conductor.tenancy.sessions.authentication)."""
    proof: Proof = NOBODY
    """How they were authenticated, as every receipt of theirs says it (conductor.tenancy.sessions.proof)."""
    withheld: frozenset[str] = field(default_factory=frozenset)
    """Permissions that the person holds and the scopes of their token do not let through."""

    @classmethod
    def system(cls, name: str = "Conductor", *, channel: str = "engine", proof: Proof | None = None) -> Actor:
        """Return Conductor itself, which holds every permission and is named in every receipt."""
        held = frozenset(PERMISSIONS)
        how = proof or of_conductor(channel)
        return cls("conductor.system:conductor", name, ("system",), channel, held, Authentication.SYSTEM, how)


def display_name(user: AbstractBaseUser) -> str:
    """Return the person's full name, or what they sign in with."""
    return getattr(user, "get_full_name", str)() or user.get_username()


def actor_for_user(
    *,
    user: AbstractBaseUser,
    tenant: Tenant,
    channel: str,
    within: frozenset[str] | None = None,
    authentication: Authentication | None = None,
    proof: Proof | None = None,
) -> Actor | None:
    """Return the member as an actor, or None for a stranger. Needs the tenant's scope.

    `within` limits the permissions, as an API token's scopes do. `authentication` is what the session proves; where
    the channel has only one way to authenticate it may be left out. `proof` is what receipts say of it: only entry
    points give one.
    """
    membership = membership_of(user=user, tenant_id=tenant.pk)
    if membership is None:
        return None
    return actor_of_member(
        membership, user=user, channel=channel, within=within, authentication=authentication, proof=proof
    )


def membership_of(*, user: AbstractBaseUser, tenant_id: UUID) -> Membership | None:
    """Return the person's membership with its tenant, and what `actor_of_member` needs. One query, in the scope."""
    # What guardian grants on the tenant, to the person and to their groups.
    about = {"content_type": ContentType.objects.get_for_model(Tenant), "object_pk": str(tenant_id)}
    own = UserObjectPermission.objects.filter(user_id=user.pk, **about)
    shared = GroupObjectPermission.objects.filter(group__user=user.pk, **about)
    return (
        Membership.objects.filter(tenant_id=tenant_id, user_id=user.pk)
        .select_related("tenant")
        .annotate(
            granted=ArraySubquery(own.values("permission__codename")),
            shared=ArraySubquery(shared.values("permission__codename")),
        )
        .first()
    )


def actor_of_member(
    membership: Any,
    *,
    user: AbstractBaseUser,
    channel: str,
    within: frozenset[str] | None = None,
    authentication: Authentication | None = None,
    proof: Proof | None = None,
) -> Actor | None:
    """Return the person as `actor_for_user`, by the membership that `membership_of` has read; None if deactivated."""
    if not user.is_active:
        return None
    is_superuser = getattr(user, "is_superuser", False)
    granted = get_perms(user, membership.tenant) if is_superuser else [*membership.granted, *membership.shared]
    held = frozenset(granted)
    permissions = held if within is None else held & within
    proven = authentication or BY_CHANNEL.get(channel, Authentication.UNKNOWN)
    who = ref("tenancy.user", user.pk)
    how = proof or of_channel(channel)
    roles = (membership.role,)
    return Actor(who, display_name(user), roles, channel, permissions, proven, how, withheld=held - permissions)


def require(*, actor: Actor, permission: str) -> None:
    """Raise PermissionMissing, naming who holds it, or InsufficientScope, unless the actor holds `permission`."""
    if permission in actor.permissions:
        if (noting := _noting.get()) and noting[0] == actor.ref:
            noting[1].add(permission)
        return
    require_scope(actor=actor, permission=permission)
    who = " or ".join(holders(permission))
    action = PERMISSIONS[permission][0].lower() + PERMISSIONS[permission][1:]
    raise PermissionMissing(f"Only {who} may {action}. An admin of your organisation can grant that role.")


def require_scope(*, actor: Actor, permission: str) -> None:
    """Raise InsufficientScope if the actor's token, and it alone, withholds `permission`."""
    if permission in actor.withheld:
        raise InsufficientScope(permission)


_noting: ContextVar[tuple[Ref, set[str]] | None] = ContextVar("conductor_permissions_asked_for", default=None)


@contextmanager
def permissions_asked_for(actor: Actor) -> Iterator[set[str]]:
    """Yield the set of the permissions that `require` grants the actor inside."""
    asked: set[str] = set()
    token = _noting.set((actor.ref, asked))
    try:
        yield asked
    finally:
        _noting.reset(token)
