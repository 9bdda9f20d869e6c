"""Which workspaces Slack granted, and which Slack users a member has confirmed (docs/decisions/0072)."""

from __future__ import annotations

import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chatops", "0007_isolation"),
        ("conductor", "0019_answers_without_words"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="slackidentity",
            options={"base_manager_name": "ever", "verbose_name_plural": "Slack identities"},
        ),
        migrations.AlterModelManagers(
            name="slackidentity",
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("ever", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="slackidentity",
            name="proven_by",
            field=models.CharField(blank=True, editable=False, max_length=10),
        ),
        migrations.AddField(
            model_name="slackinstallation",
            name="is_granted",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="slackinstallation",
            name="team_id",
            field=models.CharField(max_length=40),
        ),
        migrations.AddConstraint(
            model_name="slackinstallation",
            constraint=models.UniqueConstraint(fields=("tenant", "team_id"), name="slack_installation_unique"),
        ),
        migrations.AddConstraint(
            model_name="slackinstallation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)), fields=("team_id",), name="slack_team_speaks_for_one"
            ),
        ),
        migrations.RunSQL(
            "UPDATE chatops_slackinstallation SET is_granted = true WHERE bot_token_sealed <> ''",
            migrations.RunSQL.noop,
        ),
    ]
