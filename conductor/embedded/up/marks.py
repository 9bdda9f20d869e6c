"""What was done on this database already, so that a warm start need not ask again.

A mark holds for one database (its server's identifier and its own number) and one state of the files it depends on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from conductor.embedded.progress import Halt

MINIMUM_SERVER = 150_000
_IDENTITY = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'), system_identifier,
       (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""


def database(url: str) -> tuple[str, str]:
    """Return the server's version and the database's identity. Halt when it cannot be reached or is too old."""
    # Here, as `make doctor`, `stop`, `status` and `reset` also run where nothing was installed yet.
    try:
        import psycopg  # noqa: PLC0415
    except ImportError as error:
        raise Halt("DATABASE_URL cannot be tried before there is a .venv: run make up") from error
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(_IDENTITY).fetchone()
    except psycopg.Error as error:
        raise Halt(f"DATABASE_URL does not lead to a database: {str(error).strip()}") from error
    assert row is not None
    if row[0] < MINIMUM_SERVER:
        raise Halt(f"PostgreSQL 15 or later is needed; DATABASE_URL leads to {row[1]}.")
    return str(row[1]).split()[0], f"{row[2]}/{row[3]}"


def digest(root: Path, *patterns: str) -> str:
    """Return one digest of all files below `root` that match, by name and content."""
    total = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in root.glob(pattern) if path.is_file()):
        total.update(str(path.relative_to(root)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


class Marks:
    """Files in `folder`, one per kind of work, valid for the database with this identity."""

    def __init__(self, folder: Path, *, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def has(self, work: str, *, state: str) -> bool:
        """Return whether `work` was done on this database with the files in this state."""
        path = self._folder / work
        return path.exists() and path.read_text() == self._text(state)

    def set(self, work: str, *, state: str) -> None:
        """Remember that it was done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / work).write_text(self._text(state))

    def _text(self, state: str) -> str:
        return f"{self._identity} {state}\n"


def redacted(environment: Mapping[str, str], name: str) -> str:
    """Return a URL without its password, fit for the terminal."""
    url = environment.get(name, "")
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{credentials.partition(':')[0]}{at}{place}"
