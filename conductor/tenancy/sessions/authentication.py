"""How surely somebody is who they say: what the session proves, or the door they came through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from allauth.account.authentication import get_authentication_records

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.http import HttpRequest


class Authentication(StrEnum):
    """What policy is told (docs/reference/permissions.md). A session has the strongest of what it has proven."""

    PASSWORD = "password"  # noqa: S105 - the name of a method, not a password
    MFA = "mfa"
    """A second step: an app's code, a security key, or a recovery code. A passkey alone counts as both steps."""
    OIDC = "oidc"
    """The organisation's identity provider vouches, and does not say that it asked for a second step."""
    TOKEN = "token"  # noqa: S105 - the name of a method, not a token
    SLACK = "slack"
    """Slack signed the request; the person is the one that the workspace's admins named."""
    SYSTEM = "system"
    UNKNOWN = "unknown"
    """No record of how the session began: a demonstration's sign-in link, for one. Trust it least."""


BY_CHANNEL: Mapping[str, Authentication] = {
    "api": Authentication.TOKEN,
    "alert": Authentication.TOKEN,
    "slack": Authentication.SLACK,
    "engine": Authentication.SYSTEM,
    "cli": Authentication.SYSTEM,
}
"""Channels that have one way to authenticate. The console has several: its session says which."""


def of_session(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> Authentication:
    """Return the strongest proof that the request's session holds for `user`."""
    return strongest(get_authentication_records(request, user))


def strongest(records: Sequence[Mapping[str, Any]]) -> Authentication:
    """Return the strongest of allauth's records of what a session has proven."""
    methods = {record.get("method") for record in records}
    for method, proven in (
        ("mfa", Authentication.MFA),
        ("socialaccount", Authentication.OIDC),
        ("password", Authentication.PASSWORD),
    ):
        if method in methods:
            return proven
    return Authentication.UNKNOWN
