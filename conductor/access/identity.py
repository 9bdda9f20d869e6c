"""Signing in by the organisation's identity provider (OpenID Connect, docs/how-to/sign-in-with-oidc.md).

A person comes in as the member whose verified address they have. Who is no member yet becomes one only by a group
that the installation maps to a role; everybody else is told to ask for an invitation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.conf import settings
from django.http import HttpRequest

from conductor.access.addresses import holder_of
from conductor.access.lifecycle.addresses import drop_claims
from conductor.access.lifecycle.members import LastAdmin, add_member, change_role, note_given_by_groups, remove_member
from conductor.access.openid import StrictOpenIDConnect
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug, tenants_of_user
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import Role
from conductor.tenancy.sessions.proof import Proof

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin
    from django.contrib.auth.models import User

log = structlog.get_logger("conductor.access")

_STRONGEST_FIRST = (Role.ADMIN, Role.COMMANDER, Role.RESPONDER, Role.AUDITOR)


class IdentityProvider(DefaultSocialAccountAdapter):
    """Lets in people that a mapped group makes members, and the members who have proven the address themselves."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        found = super().get_provider(request, provider, client_id=client_id)
        if isinstance(found, OpenIDConnectProvider):
            return StrictOpenIDConnect(request, app=found.app)
        return found

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[Any, str] | None:
        """Return the member who has proven the address, and the address; both sides must have verified it.

        What others only claimed is dropped: the provider has just proven whose the address is.
        """
        for address in sociallogin.email_addresses:
            if not address.verified:
                continue
            if (holder := holder_of(address.email)) is not None:
                return holder, address.email
            drop_claims(email=address.email)
        return None

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        verified = any(address.verified for address in sociallogin.email_addresses)
        return verified and bool(roles_for(groups_in(sociallogin.account.extra_data)))


def claims_in(extra_data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the provider said of the person: its userinfo, else its ID token."""
    found: Mapping[str, Any] = extra_data.get("userinfo") or extra_data.get("id_token") or extra_data
    return found


def groups_in(extra_data: Mapping[str, Any]) -> list[str]:
    """Return the person's groups as the provider names them; a provider that sends none gives none."""
    token = extra_data.get("id_token")
    for source in (claims_in(extra_data), token if isinstance(token, Mapping) else {}):
        named = source.get(settings.CONDUCTOR_OIDC_GROUPS)
        if isinstance(named, list):
            return [str(group) for group in named]
    return []


def asked_for_a_second_step(extra_data: Mapping[str, Any]) -> bool:
    """Return whether the provider's token says that it asked for a second step (`amr`, RFC 8176)."""
    token = extra_data.get("id_token")
    methods = token.get("amr", []) if isinstance(token, Mapping) else []
    return isinstance(methods, list) and "mfa" in methods


def roles_for(groups: Iterable[str]) -> dict[str, str]:
    """Return the tenant's slug to the strongest role that the groups are mapped to there."""
    held = set(groups)
    found: dict[str, str] = {}
    for group, slug, role in settings.CONDUCTOR_OIDC_ROLES:
        if group in held and (slug not in found or _is_stronger(role, found[slug])):
            found[slug] = role
    return found


def join_by_groups(*, user: User, groups: Iterable[str], now: datetime) -> None:
    """Give the person the roles that their groups are mapped to, and end what groups gave them that they left.

    A membership that an invitation or an admin gave stays, whatever the groups are.
    """
    roles = roles_for(groups)
    mine = tenants_of_user(user.pk)
    for slug, role in roles.items():
        tenant_id = tenant_id_for_slug(slug)
        if tenant_id is not None:
            with tenant_scope(tenant_id):
                _join(tenant_id, user, role, now)
    for tenant in mine:
        if tenant.slug not in roles:
            with tenant_scope(tenant.id):
                _leave(user, now)


def _join(tenant_id: UUID, user: User, role: str, now: datetime) -> None:
    membership = Membership.objects.filter(user_id=user.pk).first()
    if membership is None:
        tenant = Tenant.objects.get(id=tenant_id)
        membership = add_member(tenant=tenant, user=user, role=role, actor=_provider(), now=now)
    elif membership.role != role:
        change_role(membership=membership, role=role, actor=_provider(), now=now)
    else:
        return
    note_given_by_groups(membership=membership)


def _leave(user: User, now: datetime) -> None:
    membership = Membership.objects.filter(user_id=user.pk, given_by_groups=True).first()
    if membership is None:
        return
    try:
        remove_member(membership=membership, actor=_provider(), now=now)
    except LastAdmin:
        log.warning("the last admin left every mapped group and stays", membership=str(membership.id))


def _provider() -> Actor:
    return Actor.system("Identity provider", channel="console", proof=Proof("provider"))


def _is_stronger(role: str, than: str) -> bool:
    return _STRONGEST_FIRST.index(Role(role)) < _STRONGEST_FIRST.index(Role(than))
