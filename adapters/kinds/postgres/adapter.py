"""A PostgreSQL database as a backup source: dumped, restored into a scratch database, compared, dropped.

The dump and its manifest are of one exported snapshot, so that the comparison is exact while the system is in use.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, LiteralString

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.kinds.postgres import programs
from adapters.kinds.postgres.config import Config, Secrets
from adapters.kinds.postgres.states import read_manifest
from adapters.ports.installation import Installation
from adapters.ports.protocols import (
    SCRATCH_PREFIX,
    AdapterError,
    Capability,
    DumpResult,
    RestoreResult,
    SourceDescription,
)
from adapters.ports.table_manifest import TableManifest
from conductor.lib.database.identity import IDENTITY
from conductor.lib.deadlines import Deadline

CONNECT_SECONDS = 10
LOOK_SECONDS = 20
"""For the questions that are answered at once."""
HELD_SECONDS = 3600
"""A step's whole time: beside one connection, programs and readings each keep to `timeout_seconds`."""
_SCRATCH = re.compile(re.escape(SCRATCH_PREFIX) + r"[a-z0-9_]{1,40}")


class Postgres:
    """One database, reached as the role that owns its tables: row-level security would hide rows from another."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.SAME_SNAPSHOT})

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config = config
        try:
            self._conninfo = conninfo_to_dict(secrets.dsn.get_secret_value())
        except psycopg.ProgrammingError:
            self._conninfo = {}
        if not self._conninfo.get("dbname"):
            # Outside of the handler and without its words: they quote the value.
            raise AdapterError("the dsn names no database", permanent=True, code="adapter_misconfigured")

    def describe(self) -> SourceDescription:
        with self._connected(at_most=LOOK_SECONDS) as connection:
            size, database = _row(connection, "SELECT pg_database_size(current_database()), current_database()")
            (identity,) = _row(connection, IDENTITY)
            return SourceDescription(_server(connection), database, size, str(_programs(connection)), identity)

    def dump(self, *, target: Path) -> DumpResult:
        began = time.monotonic()
        unfinished = target.with_name(target.name + ".part")
        try:
            with self._connected() as connection:
                client, server = _programs(connection), _server(connection)
                manifest = self._dump_with_manifest(connection, client, unfinished)
            os.replace(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)
        with target.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = target.stat().st_size
        return DumpResult(target, size, digest, manifest, server, str(client), time.monotonic() - began)

    def restore_into_scratch(self, *, dump: Path, scratch_name: str) -> RestoreResult:
        began = time.monotonic()
        self.drop_scratch(scratch_name=scratch_name)
        with self._connected() as connection:
            client = _programs(connection)
            connection.execute(_create_like_source(connection, scratch_name))
            # A full copy of everybody's rows: nobody but its owner may connect to it.
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(scratch_name)))
        self._run(client, "pg_restore", "--exit-on-error", database=scratch_name, operand=dump)
        return RestoreResult(scratch_name, str(client), time.monotonic() - began)

    def table_manifest(self, *, database: str) -> TableManifest:
        with (
            self._connected(_scratch(database) if database else "") as connection,
            self._one_snapshot(connection),
        ):
            return read_manifest(connection)

    def drop_scratch(self, *, scratch_name: str) -> bool:
        name = sql.Identifier(_scratch(scratch_name))
        with self._connected() as connection:
            if scratch_name not in _scratch_names(connection):
                return False
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            return True

    def list_scratch(self) -> list[str]:
        with self._connected(at_most=LOOK_SECONDS) as connection:
            return _scratch_names(connection)

    def _dump_with_manifest(
        self, connection: psycopg.Connection[Any], client: programs.Programs, file: Path
    ) -> TableManifest:
        with self._one_snapshot(connection):
            (snapshot,) = _row(connection, "SELECT pg_export_snapshot()")
            # First, because the locks of this reading then keep the tables as they are until the dump is done.
            manifest = read_manifest(connection)
            self._run(
                client,
                "pg_dump",
                "--format=custom",
                f"--snapshot={snapshot}",
                f"--lock-wait-timeout={self._config.lock_wait_seconds}s",
                f"--file={file}",
                database=str(self._conninfo["dbname"]),
            )
        return manifest

    @contextmanager
    def _connected(self, database: str = "", *, at_most: float = HELD_SECONDS) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection in autocommit; every failure of PostgreSQL's leaves as AdapterError."""
        told = {name: str(value) for name, value in self._conninfo.items()}
        told |= {"connect_timeout": str(CONNECT_SECONDS), "application_name": "conductor-backup"}
        told |= {"dbname": database} if database else {}
        try:
            connection = psycopg.connect(make_conninfo(**told), autocommit=True)
        except psycopg.OperationalError as error:
            raise AdapterError(f"the database cannot be reached: {_first_line(error)}", permanent=False) from error
        # A server that leaves a statement unanswered does not keep its own statement_timeout either.
        deadline = Deadline(at_most)
        try:
            with deadline:
                deadline.watch(connection.fileno())
                yield connection
        except errors.InsufficientPrivilege as error:
            why = f"the role may not do this; sign in as the tables' owner: {_first_line(error)}"
            raise AdapterError(why, permanent=True, code="not_the_owner") from error
        except psycopg.Error as error:
            if deadline.passed:
                late = f"the database did not finish within {at_most:g} s"
                raise AdapterError(late, permanent=False, code="timeout") from error
            raise AdapterError(f"PostgreSQL refused: {_first_line(error)}", permanent=False) from error
        finally:
            connection.close()

    @contextmanager
    def _one_snapshot(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Run what is inside in one read-only snapshot, with time to read it and to sit still beside a dump of it."""
        connection.autocommit = False
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        with connection.transaction():
            for name, value in (
                ("statement_timeout", f"{self._config.timeout_seconds}s"),
                ("lock_timeout", f"{self._config.lock_wait_seconds}s"),
                ("idle_in_transaction_session_timeout", "0"),
            ):
                connection.execute("SELECT set_config(%s, %s, true)", [name, value])
            yield

    def _run(
        self, client: programs.Programs, program: str, *options: str, database: str, operand: Path | None = None
    ) -> None:
        told = {name: str(value) for name, value in self._conninfo.items() if name not in {"password", "dbname"}}
        client.run(
            program,
            "--no-password",
            *options,
            f"--dbname={make_conninfo(**told, dbname=database)}",
            *([str(operand)] if operand else []),
            password=str(self._conninfo.get("password") or ""),
            timeout_seconds=self._config.timeout_seconds,
        )


def _scratch(name: str) -> str:
    """Return the name if it can only be a scratch database's."""
    if not _SCRATCH.fullmatch(name):
        message = f"{name!r} is not the name of a scratch database ({SCRATCH_PREFIX} and up to 40 of a-z, 0-9, _)"
        raise AdapterError(message, permanent=True, code="not_scratch")
    return name


def _scratch_names(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute('SELECT datname FROM pg_database ORDER BY datname COLLATE "C"').fetchall()
    return [name for (name,) in rows if _SCRATCH.fullmatch(name)]


def _create_like_source(connection: psycopg.Connection[Any], name: str) -> sql.Composed:
    """Return CREATE DATABASE with the source's encoding and locale, so that both sort and print alike."""
    (source,) = _row(connection, "SELECT to_jsonb(d) FROM pg_database d WHERE datname = current_database()")
    (encoding,) = _row(connection, "SHOW server_encoding")
    # PostgreSQL 15 and 16 have daticulocale; 17 renamed it and added its own provider.
    provider = {"c": "libc", "i": "icu", "b": "builtin"}[source["datlocprovider"]]
    locale = source.get("datlocale") or source.get("daticulocale") or ""
    options = {
        "ENCODING": encoding,
        "LOCALE_PROVIDER": provider,
        "LC_COLLATE": source["datcollate"],
        "LC_CTYPE": source["datctype"],
        **({"ICU_LOCALE": locale} if provider == "icu" else {}),
        **({"ICU_RULES": source["daticurules"]} if source.get("daticurules") else {}),
        **({"BUILTIN_LOCALE": locale} if provider == "builtin" else {}),
    }
    told = (sql.SQL("{} {}").format(sql.SQL(option), sql.Literal(value)) for option, value in options.items())
    return sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(
        sql.Identifier(_scratch(name)), sql.SQL(" ").join(told)
    )


def _programs(connection: psycopg.Connection[Any]) -> programs.Programs:
    return programs.find(server_major=connection.info.server_version // 10_000)


def _server(connection: psycopg.Connection[Any]) -> str:
    version = connection.info.server_version
    return f"PostgreSQL {version // 10_000}.{version % 10_000}"


def _row(connection: psycopg.Connection[Any], query: LiteralString) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    assert row is not None
    return row


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
