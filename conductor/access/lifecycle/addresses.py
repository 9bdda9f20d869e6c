"""Verbs on e-mail addresses: one that was proven names its owner, and takes the place of what others only claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.db import transaction

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def confirm_address(*, user: User, email: str) -> None:
    """Keep that `user` has proven the address: they read a mail that was sent there. Claims of others end."""
    with transaction.atomic():
        drop_claims(email=email)
        primary = not EmailAddress.objects.filter(user=user, primary=True).exclude(email__iexact=email).exists()
        EmailAddress.objects.update_or_create(
            user=user, email=email.lower(), defaults={"verified": True, "primary": primary}
        )


def drop_claims(*, email: str) -> int:
    """Forget every unproven claim to the address; return how many there were. What was proven stays."""
    dropped, _ = EmailAddress.objects.filter(email__iexact=email, verified=False).delete()
    return int(dropped)
