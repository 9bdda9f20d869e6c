"""Database URLs: `postgresql://user:password@host:port/name?host=/socket/dir&sslmode=require`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def parse_database_url(url: str, *, role: str = "") -> dict[str, Any]:
    """Return Django's settings for `url`; with `role`, each session starts as that role (SET ROLE).

    Query parameters are libpq's (PostgreSQL manual, 34.1.2); `host` there names a socket directory.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql:// (PostgreSQL 15 or later is the only engine)")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or parts.hostname or ""
    if role:
        options["options"] = f"{options.get('options', '')} -c role={role}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }
