"""One-time sign-in links for the demonstration. They exist only with CONDUCTOR_DEMO on (check conductor.E012)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.urls import reverse

from conductor.lib.errors import NotAllowed
from conductor.tenancy.models import SignInLink

LIFETIME = timedelta(hours=12)
_SALT = "conductor.signin-link"


class LinkNotValid(NotAllowed):
    """This sign-in link was used already, is too old, or is not one of ours. `make up` prints new ones."""

    code = "signin_link_not_valid"


def issue_link(*, user: User, now: datetime) -> str:
    """Return the path of a link that signs `user` in once within twelve hours. Raise LinkNotValid outside the demo."""
    if not settings.CONDUCTOR_DEMO:
        raise LinkNotValid
    link = SignInLink.objects.create(user=user, nonce=secrets.token_hex(16), expires_at=now + LIFETIME)
    return reverse("signin_link", args=[TimestampSigner(salt=_SALT).sign(link.nonce)])


def redeem(*, token: str, now: datetime) -> User:
    """Return the person whom the link signs in, and use it up; raise LinkNotValid if it is not good."""
    if not settings.CONDUCTOR_DEMO:
        raise LinkNotValid
    try:
        nonce = TimestampSigner(salt=_SALT).unsign(token, max_age=LIFETIME)
    except BadSignature as error:
        raise LinkNotValid from error
    with transaction.atomic():
        if not SignInLink.objects.filter(nonce=nonce, used_at=None, expires_at__gt=now).update(used_at=now):
            raise LinkNotValid
        return SignInLink.objects.select_related("user").get(nonce=nonce).user
