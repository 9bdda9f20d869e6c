"""Database URLs: `postgresql://user:password@host:port/name?host=/socket/dir&sslmode=require`."""

from __future__ import annotations

from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def parse_database_url(url: str, *, role: str = "") -> dict[str, Any]:
    """Return Django's settings for `url`; with `role`, each session starts as that role (SET ROLE).

    libpq itself reads it (PostgreSQL manual, 34.1.1.2): `host` in the query names a socket directory, and several hosts
    are tried in turn: `postgresql://user@one:5432,two:5432/name?target_session_attrs=read-write`. Raise ValueError for
    what is no such URL; what it says may hold a password and is not repeated.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("DATABASE_URL must begin with postgresql:// (PostgreSQL 15 or later is the only engine)")
    try:
        options: dict[str, Any] = conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError("DATABASE_URL is not a URL that libpq can read") from None
    port = options.pop("port", "")
    found = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname", ""),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": port if port.strip(",") else "",
    }
    if role:
        options["options"] = f"{options.get('options', '')} -c role={role}".strip()
    return {**found, "OPTIONS": options}
