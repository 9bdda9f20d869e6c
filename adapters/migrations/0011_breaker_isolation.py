"""The wall between tenants, for how their notaries answer."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("adapters", "0010_breaker")]

    operations = [*row_level_security("adapters_breaker")]
