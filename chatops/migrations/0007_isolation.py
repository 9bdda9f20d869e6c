"""The wall between tenants round what is remembered of Slack's user groups."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("chatops", "0006_slack_groups")]

    operations = [*row_level_security("chatops_slackgroup")]
