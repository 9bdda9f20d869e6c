"""Who a token is: its member, what it may do here, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Router, Schema

from conductor.lib.refs import parse_ref
from conductor.tenancy.models import ApiToken
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["me"])


class TokenOut(Schema):
    """The token that the request showed. Its secret is shown once, when it is issued."""

    id: UUID
    name: str
    prefix: str
    """The first characters of its secret, by which people recognise it."""
    scopes: list[str]
    created_at: datetime
    expires_at: datetime


class WhoamiOut(Schema):
    """Who asks, and what they may do."""

    organisation: str
    """Slug of the organisation that the token belongs to."""
    member: str
    """Reference of the member whose token it is, as receipts name them."""
    name: str
    roles: list[str]
    permissions: list[str]
    """What the member's role and the token's scopes both allow."""
    token: TokenOut


@router.get("", response=WhoamiOut, operation_id="whoami")
def whoami(request: TenantRequest) -> Any:
    """Who the token's member is, what they may do with it, and when it expires. Every token may ask."""
    token_id = parse_ref(request.token_ref)[1]  # type: ignore[attr-defined]
    return {
        "organisation": request.tenant.slug,
        "member": request.actor.ref,
        "name": request.actor.name,
        "roles": sorted(request.actor.roles),
        "permissions": sorted(request.actor.permissions),
        "token": ApiToken.objects.get(id=token_id),
    }
