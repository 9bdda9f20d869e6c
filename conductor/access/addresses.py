"""Whose an e-mail address is: of the one who has proven it, and of nobody else (docs/decisions/0070)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def holder_of(email: str) -> User | None:
    """Return who has proven the address, or None. Who merely entered it somewhere does not count."""
    found = EmailAddress.objects.select_related("user").filter(email__iexact=email, verified=True).first()
    return found.user if found else None
