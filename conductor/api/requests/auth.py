"""Bearer tokens. A token names its tenant, so that it can be looked up behind the wall."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from ninja.security import HttpBearer

from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, actor_for_user, require_scope
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import look_as
from conductor.tenancy.models import ApiToken, Tenant
from conductor.tenancy.roles import permissions_in
from conductor.tenancy.sessions.bearer import tenant_of
from conductor.tenancy.sessions.proof import of_token

SEEN_EVERY = timedelta(minutes=1)
"""`last_used_at` is no finer than this, so that reading does not mean writing."""


class BearerToken(HttpBearer):
    """`Authorization: Bearer mct_<tenant>_<secret>`.

    Sets `request.actor`, limited to the token's scopes, and `request.token_ref`.
    """

    openapi_description = "An API token, issued by an admin of the tenant."

    def __init__(self, *, permission: str = "") -> None:
        super().__init__()
        self.permission = permission
        """What a token's scopes must let through, before anything of the request is looked at; empty for nothing."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """Return the actor; None (401) for a bad token; NotFound (404) for a good one of another tenant.

        Raise InsufficientScope (403) where the token alone stands in the way of its member.
        """
        tenant_id = tenant_of(token)
        if tenant_id is None:
            return None
        with tenant_scope(tenant_id):
            found = _live(token)
            actor = _actor_of(found) if found else None
        if found is None or actor is None:
            return None
        named = request.tenant  # type: ignore[attr-defined]
        if named is None or tenant_id != named.id:
            raise NotFound
        request.actor = actor  # type: ignore[attr-defined]
        request.token_ref = ref("tenancy.apitoken", found.id)  # type: ignore[attr-defined]
        require_scope(actor=actor, permission=self.permission)
        look_as(actor)
        return actor


def carries_live_token(request: HttpRequest) -> bool:
    """Whether the request shows a token that counts, of whichever tenant. Asked before a large body is read."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    tenant_id = tenant_of(token.strip()) if scheme.lower() == "bearer" else None
    if tenant_id is None:
        return False
    with tenant_scope(tenant_id):
        return _live(token.strip()) is not None


def _live(token: str) -> ApiToken | None:
    found = ApiToken.objects.select_related("membership__user").filter(digest=sha256_hex(token.encode())).first()
    moment = now()
    if found is None or not found.is_live(moment):
        return None
    if found.last_used_at is None or found.last_used_at < moment - SEEN_EVERY:
        ApiToken.objects.filter(id=found.id).update(last_used_at=moment)
    return found


def _actor_of(found: ApiToken) -> Actor | None:
    return actor_for_user(
        user=found.membership.user,
        tenant=Tenant.objects.get(id=found.tenant_id),
        channel="api",
        within=permissions_in(found.scopes),
        proof=of_token(token=found.ref, name=found.name),
    )
