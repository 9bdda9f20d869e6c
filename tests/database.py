"""A PostgreSQL database per test process, cloned from a template that is migrated and peopled once.

The suite runs as the application's role, as the product does; only set-up and clean-up use the owner.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from psycopg import sql

from controls.catalogue import load_catalogue
from tests.world import people_the_world

ROOT = Path(__file__).resolve().parent.parent
_LOCK = 4_711_2026


def template_name() -> str:
    """Name of the template: it changes whenever a migration, the models, the catalogue or the world change."""
    digest = hashlib.sha256()
    files = [*ROOT.glob("*/migrations/*.py"), *(ROOT / "conductor/tenancy").rglob("*.py"), ROOT / "tests/world.py"]
    files += ROOT.glob("controls/data/*.json")
    for path in sorted(files):
        digest.update(path.read_bytes())
    return f"test_template_{digest.hexdigest()[:12]}"


def clone_name() -> str:
    """Name of this process's own database."""
    return f"test_conductor_{os.getpid()}"


def create_clone() -> None:
    """Make this process's database, building the template first if nobody has."""
    template = template_name()
    with _maintenance() as execute:
        execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if not execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]):
            _build_template(execute, template)
        execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(clone_name())))
        execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(clone_name()), sql.Identifier(template))
        )
        execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    _point_at(clone_name())


def drop_clone() -> None:
    """Remove this process's database."""
    with _maintenance() as execute:
        execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(clone_name())))


def _build_template(execute: object, template: str) -> None:
    scratch = f"{template}_{os.getpid()}"
    execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(scratch)))  # type: ignore[operator]
    _point_at(scratch)
    call_command("migrate", database="owner", verbosity=0, interactive=False)
    load_catalogue()
    people_the_world()
    for connection in connections.all():
        connection.close()
    execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(scratch), sql.Identifier(template)))  # type: ignore[operator]


def _point_at(name: str) -> None:
    for connection in connections.all():
        connection.close()
        connection.settings_dict["NAME"] = name


@contextmanager
def _maintenance() -> Iterator[object]:
    """Yield a function that runs one statement on the server's `postgres` database and returns its rows."""
    for connection in connections.all():
        connection.close()
    owner = connections["owner"]
    with owner._nodb_cursor() as cursor:

        def execute(statement: object, params: list[object] | None = None) -> list[tuple[object, ...]]:
            cursor.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

        yield execute
