"""Foreign keys that cannot leave a tenant.

PostgreSQL checks foreign keys past row-level security: a plain key could point at another tenant's row, and its
error would tell whether that row exists. So each key between two tenants' tables carries the tenant as well. This
runs after every migration, because a wall that a new table can forget is none (docs/decisions/0015).
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_PLAIN_KEYS = """
    SELECT k.oid, k.conname, k.conrelid::regclass::text, own.attname, k.confrelid::regclass::text, far.attname
    FROM pg_constraint k
    JOIN pg_attribute own ON own.attrelid = k.conrelid AND own.attnum = k.conkey[1]
    JOIN pg_attribute far ON far.attrelid = k.confrelid AND far.attnum = k.confkey[1]
    JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND c.relnamespace = 'public'::regnamespace
      AND pg_get_userbyid(c.relowner) = current_user
      AND own.attname <> 'tenant_id'
      AND EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = k.conrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
      AND (k.confrelid = 'auth_user'::regclass AND k.conrelid <> 'conductor_membership'::regclass
           OR EXISTS (SELECT FROM pg_attribute a
                      WHERE a.attrelid = k.confrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
    ORDER BY 3, 2
"""

_HAS_UNIQUE = """
    SELECT EXISTS (
        SELECT FROM pg_constraint k WHERE k.conrelid = %s::regclass AND k.contype IN ('u', 'p')
        AND (SELECT array_agg(attname::text ORDER BY ord) FROM unnest(k.conkey) WITH ORDINALITY AS u(num, ord)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) = ARRAY['tenant_id', %s])
"""


def bind_keys(*, using: str) -> list[str]:
    """Make every foreign key between tenants' tables one of (tenant, key); return the names of those changed.

    A key to a person becomes one to that person's membership, so a tenant can name its own people only.
    Needs the tables' owner; run again it changes nothing.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_PLAIN_KEYS)
        found = cursor.fetchall()
        for _, name, table, column, target, key in found:
            if target == "auth_user":
                target, key = "conductor_membership", "user_id"
            _bind(cursor, name=name, table=table, column=column, target=target, key=key)
    return [row[1] for row in found]


def _bind(cursor: Any, *, name: str, table: str, column: str, target: str, key: str) -> None:
    cursor.execute(_HAS_UNIQUE, [target, key])
    if not cursor.fetchone()[0]:
        cursor.execute(f'ALTER TABLE {target} ADD CONSTRAINT "{target}_within_tenant" UNIQUE (tenant_id, "{key}")')
    cursor.execute(
        f'ALTER TABLE {table} DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" '
        f'FOREIGN KEY (tenant_id, "{column}") REFERENCES {target} (tenant_id, "{key}") DEFERRABLE INITIALLY DEFERRED'
    )


def bind_after_migrating(sender: object, using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    bind_keys(using=using)
