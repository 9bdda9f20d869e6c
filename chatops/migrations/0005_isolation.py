"""The wall between tenants round what goes out to Slack, installations under way, and incidents' channels."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("chatops", "0004_workspaces_outbox_channels")]

    operations = [
        *row_level_security(
            "chatops_slackoauthstate",
            "chatops_outboxmessage",
            "chatops_slackpace",
            "chatops_incidentchannel",
            "chatops_capturedmessage",
        ),
    ]
