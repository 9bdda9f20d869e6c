"""Unique within the tenant: a key of another tenant's row collides with nothing, so nothing is learnt from it."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0003_walls"),
        ("incidents", "0004_learning"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="postmortem",
            name="postmortem_version_unique",
        ),
        migrations.RemoveConstraint(
            model_name="roleassignment",
            name="role_one_holder",
        ),
        migrations.RemoveConstraint(
            model_name="statustransition",
            name="transition_seq_unique",
        ),
        migrations.RemoveConstraint(
            model_name="timelineevent",
            name="timeline_seq_unique",
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.UniqueConstraint(
                fields=("tenant", "incident", "version"), name="postmortem_version_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("tenant", "incident", "role"),
                name="role_one_holder",
            ),
        ),
        migrations.AddConstraint(
            model_name="statustransition",
            constraint=models.UniqueConstraint(fields=("tenant", "incident", "seq"), name="transition_seq_unique"),
        ),
        migrations.AddConstraint(
            model_name="timelineevent",
            constraint=models.UniqueConstraint(fields=("tenant", "incident", "seq"), name="timeline_seq_unique"),
        ),
    ]
