"""The wall between tenants, and a history that nobody can change."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import append_only, row_level_security


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("incidents", "0001_initial")]

    operations = [
        *row_level_security(
            "incidents_incident",
            "incidents_statustransition",
            "incidents_roleassignment",
            "incidents_timelineevent",
            "incidents_postmortem",
        ),
        *append_only("incidents_statustransition", "incidents_timelineevent"),
    ]
