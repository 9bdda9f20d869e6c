"""API tokens that are in use and expire soon: their programs are refused from one moment to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet
from django.urls import reverse

from conductor.console.inbox.registry import SOON, Act, Asker, Family, Kind, Told, keyed
from conductor.tenancy.models import ApiToken

LASTING = timedelta(days=14)
"""A token for less was made to expire; nobody is told."""
IN_USE = timedelta(days=30)


def find(asker: Asker) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Their own tokens, which they alone may replace: from a week before a token in use expires until it has."""
    if asker.may("manage_members"):
        yield "token_expiry", _expiring(asker)


def _expiring(asker: Asker) -> QuerySet[Any]:
    found = ApiToken.objects.filter(
        membership__user_id=asker.user_id,
        revoked_at=None,
        expires_at__gt=asker.now,
        expires_at__lte=asker.now + SOON,
        last_used_at__gt=asker.now - IN_USE,
        created_at__lt=F("expires_at") - LASTING,
    )
    warned = ExpressionWrapper(F("expires_at") - SOON, output_field=DateTimeField())
    return keyed(found.annotate(warned_at=warned), since="warned_at", due="expires_at")


def _told(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    page = reverse("console:member_tokens", args=[asker.slug])
    another = reverse("console:member_token_issue", args=[asker.slug])
    return {
        each.id: Told(
            title=f"Replace the API token “{each.name}” before it expires",
            why="It is yours and in use. Whatever sends it is refused then. Issue another, and revoke this one.",
            href=page,
            act=Act("Issue another", another),
        )
        for each in ApiToken.objects.filter(id__in=ids)
    }


FAMILY = Family({"token_expiry": Kind("API tokens", "key-round", _told)}, find, order=9)
