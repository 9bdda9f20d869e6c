"""The cache that processes share: counters of sign-in attempts (docs/decisions/0044). No tenant's scope shows it."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import policy

TABLE = """
CREATE TABLE conductor_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX conductor_cache_expires ON conductor_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0013_token_prefixes")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE conductor_cache"),
        *policy("conductor_cache", "conductor_current_tenant() IS NULL"),
    ]
