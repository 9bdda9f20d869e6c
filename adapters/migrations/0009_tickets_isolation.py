"""The wall between tenants, for their tickets."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("adapters", "0008_tickets")]

    operations = [*row_level_security("adapters_ticket")]
