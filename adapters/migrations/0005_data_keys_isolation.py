"""The wall between tenants, for their data keys."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("adapters", "0004_data_keys")]

    operations = [*row_level_security("adapters_datakey")]
