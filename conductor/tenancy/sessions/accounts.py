"""Sign-in rules on top of allauth: members are invited, and nobody locks anybody else out."""

from __future__ import annotations

import ipaddress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

IPV6_PREFIX = 64
"""One customer of a network has so many bits: each address of it is the same place."""


class MembersOnly(DefaultAccountAdapter):
    """Refuses sign-up. Admins add members (conductor.tenancy.lifecycle.add_member)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show that it is still them; not the password while passwords are switched off."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [each for each in ways if each["id"] != "reauthenticate" or settings.CONDUCTOR_PASSWORD_SIGNIN]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by account and place: a stranger's use up the stranger's tries (decision 0073)."""
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{place_of(self.get_client_ip(request))}:{account}"


def place_of(address: str) -> str:
    """Return the network that counts as one place: the address itself, of IPv6 its /64."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
