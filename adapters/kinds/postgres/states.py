"""Reads the state of every table of a database: rows, checksum, columns (adapters.ports.table_manifest).

A checksum is the SHA-256 of what `COPY (SELECT … FROM ONLY table ORDER BY primary key) TO STDOUT` sends, under the
settings below: the same rows give the same bytes on any machine. The rows are streamed; none is kept.
"""

from __future__ import annotations

import hashlib
from typing import Any

from psycopg import Connection, sql

from adapters.ports.table_manifest import TableManifest, TableState

SETTINGS = {
    "search_path": "pg_catalog",
    "client_encoding": "UTF8",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "row_security": "off",
}
"""What the text form of a value depends on. `row_security = off` makes hidden rows an error instead of a gap."""

_TABLES = r"""
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%%'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
"""Every ordinary table and partition, except those that CREATE EXTENSION makes anew."""
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY = """
    SELECT a.attname FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = %s AND i.indisprimary ORDER BY k.place
"""


def read_manifest(connection: Connection[Any]) -> TableManifest:
    """Return the state of every table as the connection's running transaction sees it."""
    for name, value in SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])
    tables = connection.execute(_TABLES).fetchall()
    return TableManifest(tuple(_state(connection, *table) for table in tables))


def _state(connection: Connection[Any], oid: int, schema: str, table: str) -> TableState:
    columns = connection.execute(_COLUMNS, [oid]).fetchall()
    key = [name for (name,) in connection.execute(_KEY, [oid]).fetchall()]
    digest, rows = hashlib.sha256(), 0
    with connection.cursor() as cursor, cursor.copy(_rows(schema, table, [name for name, _ in columns], key)) as copy:
        for chunk in copy:
            digest.update(chunk)
            rows += bytes(chunk).count(b"\n")  # a newline inside a value is sent as \n, two characters
    described = "".join(f"{name} {kind}\n" for name, kind in columns)
    return TableState(f"{schema}.{table}", rows, digest.hexdigest(), hashlib.sha256(described.encode()).hexdigest())


def _rows(schema: str, table: str, columns: list[str], key: list[str]) -> sql.Composed:
    """Return the COPY statement. Without a primary key the whole row in its text form gives the order."""
    order: sql.Composable = sql.SQL('t::text COLLATE "C"')
    if key:
        order = sql.SQL(", ").join(sql.Identifier("t", name) for name in key)
    return sql.SQL("COPY (SELECT {columns} FROM ONLY {table} AS t ORDER BY {order}) TO STDOUT").format(
        columns=sql.SQL(", ").join(sql.Identifier("t", name) for name in columns),
        table=sql.Identifier(schema, table),
        order=order,
    )
