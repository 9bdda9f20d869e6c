"""Whether passwords let anybody in: an installation may leave signing in to its identity provider alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from conductor.lib.errors import NotAllowed


class PasswordSigninOff(NotAllowed):
    """Passwords are switched off here. Sign in through your organisation's identity provider."""

    code = "password_signin_off"


def is_open() -> bool:
    """Return whether passwords let people in (CONDUCTOR_PASSWORD_SIGNIN)."""
    return bool(settings.CONDUCTOR_PASSWORD_SIGNIN)


class PasswordGate(BaseBackend):
    """The first backend: while passwords are switched off, no other one is asked about any.

    So whatever asks Django to authenticate somebody by a password, by whichever page, is refused here.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied, which ends the search, for a password while they are switched off."""
        if "password" in credentials and not is_open():
            raise PermissionDenied
