"""Who acts: a person, a program or Conductor itself, and what they hold in the tenant at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib.contenttypes.models import ContentType
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import get_perms

from conductor.lib.errors import NotAllowed
from conductor.lib.refs import Ref, ref
from conductor.tenancy.authentication import BY_CHANNEL, Authentication
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import PERMISSIONS, holders

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

CHANNELS = ("console", "api", "slack", "engine", "alert", "cli")


class PermissionMissing(NotAllowed):
    """You do not hold the permission that this needs."""

    code = "permission_missing"


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
    """How surely they are who they say (conductor.tenancy.authentication)."""

    @classmethod
    def system(cls, name: str = "Conductor", *, channel: str = "engine") -> Actor:
        """Return Conductor itself, which holds every permission and is named in every receipt."""
        held = frozenset(PERMISSIONS)
        return cls("conductor.system:conductor", name, ("system",), channel, held, Authentication.SYSTEM)


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
) -> Actor | None:
    """Return the member as an actor, or None for a stranger. Needs the tenant's scope.

    `within` limits the permissions, as an API token's scopes do. `authentication` is what the session proves; where
    the channel has only one way to authenticate it may be left out.
    """
    membership = Membership.objects.filter(tenant=tenant, user_id=user.pk).first()
    if membership is None or not user.is_active:
        return None
    held = _held(user, tenant)
    permissions = held if within is None else held & within
    proven = authentication or BY_CHANNEL.get(channel, Authentication.UNKNOWN)
    who = ref("tenancy.user", user.pk)
    return Actor(who, display_name(user), (membership.role,), channel, permissions, proven)


def _held(user: AbstractBaseUser, tenant: Tenant) -> frozenset[str]:
    """Return what guardian grants on the tenant, to the person and to their groups, in one query instead of two."""
    if getattr(user, "is_superuser", False):
        return frozenset(get_perms(user, tenant))
    about = {"content_type": ContentType.objects.get_for_model(tenant), "object_pk": str(tenant.pk)}
    own = UserObjectPermission.objects.filter(user_id=user.pk, **about)
    shared = GroupObjectPermission.objects.filter(group__user=user.pk, **about)
    codenames = own.values_list("permission__codename").union(shared.values_list("permission__codename"))
    return frozenset(codename for (codename,) in codenames)


def require(*, actor: Actor, permission: str) -> None:
    """Raise PermissionMissing, naming who holds it, unless the actor holds `permission`."""
    if permission in actor.permissions:
        return
    who = " or ".join(holders(permission))
    action = PERMISSIONS[permission][0].lower() + PERMISSIONS[permission][1:]
    raise PermissionMissing(f"Only {who} may {action}. An admin of your organisation can grant that role.")
