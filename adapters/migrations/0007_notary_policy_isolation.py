"""The wall between tenants, for what they demand of notaries."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("adapters", "0006_notary_policy")]

    operations = [*row_level_security("adapters_notarypolicy")]
