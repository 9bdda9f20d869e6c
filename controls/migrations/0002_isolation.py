"""The wall between tenants, for their bindings. The catalogue is the same for all: the application only reads it."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import APP_ROLE, row_level_security

# What all tenants share, no tenant's request may write.
READ_ONLY = f"""
REVOKE INSERT, UPDATE, DELETE ON controls_framework, controls_control, controls_controlmapping FROM {APP_ROLE};
"""
WRITABLE = f"""
GRANT INSERT, UPDATE, DELETE ON controls_framework, controls_control, controls_controlmapping TO {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("controls", "0001_initial")]

    operations = [
        *row_level_security("controls_workflowbinding"),
        migrations.RunSQL(READ_ONLY, WRITABLE),
    ]
