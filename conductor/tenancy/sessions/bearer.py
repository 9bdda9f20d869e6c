"""API tokens as they travel: `Authorization: Bearer mct_<tenant>_<secret>`."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

PREFIX = "mct"
"""A public prefix, so that secret scanners can find leaked tokens."""


def tenant_of(token: str, *, prefix: str = PREFIX) -> UUID | None:
    """Return the tenant that the token says it is of, or None. Whether the token is good is not known yet."""
    kind, _, rest = token.partition("_")
    try:
        return UUID(hex=rest.partition("_")[0]) if kind == prefix else None
    except ValueError:
        return None


def tenant_asked_for(request: HttpRequest) -> UUID | None:
    """Return the tenant that the request's bearer token says it is of, or None."""
    return tenant_of(token_in(request))


def token_in(request: HttpRequest) -> str:
    """Return the request's bearer token; empty if it has none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
