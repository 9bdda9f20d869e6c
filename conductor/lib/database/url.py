"""Database URLs: `postgresql://user:password@host:port/name?host=/socket/dir&sslmode=require`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def parse_database_url(url: str, *, role: str = "") -> dict[str, Any]:
    """Return Django's settings for `url`; with `role`, each session starts as that role (SET ROLE).

    Query parameters are libpq's (PostgreSQL manual, 34.1.2); `host` there names a socket directory. Several hosts are
    tried in turn: `postgresql://user@one:5432,two:5432/name?target_session_attrs=read-write`.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql:// (PostgreSQL 15 or later is the only engine)")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    hosts, ports = _places(parts.netloc.rpartition("@")[2])
    if role:
        options["options"] = f"{options.get('options', '')} -c role={role}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or hosts,
        "PORT": ports or options.pop("port", ""),
        "OPTIONS": options,
    }


def _places(netloc: str) -> tuple[str, str]:
    """Return hosts and ports as libpq takes them, by commas; an empty port is the usual one."""
    places = [urlsplit(f"//{each}") for each in netloc.split(",")]
    hosts = ",".join(place.hostname or "" for place in places)
    ports = [str(place.port or "") for place in places]
    return hosts, ",".join(ports) if any(ports) else ""
