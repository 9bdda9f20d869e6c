"""The wall between tenants."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("adapters", "0001_initial")]

    operations = [
        *row_level_security(
            "adapters_adapterconfig",
            "adapters_secret",
            "adapters_delivery",
            "adapters_notaryrecord",
            "adapters_datakey",
            "adapters_notarypolicy",
            "adapters_ticket",
            "adapters_breaker",
        ),
    ]
