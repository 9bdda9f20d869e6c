"""Counters of requests (docs/decisions/0110). Unlogged: a crash that loses them forgives a minute. In no scope."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import policy

TABLE = """
CREATE UNLOGGED TABLE conductor_rate_count (
    key varchar(200) PRIMARY KEY,
    beat bigint NOT NULL,
    hits integer NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0021_staged_tenants")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE conductor_rate_count"),
        *policy("conductor_rate_count", "conductor_current_tenant() IS NULL"),
    ]
