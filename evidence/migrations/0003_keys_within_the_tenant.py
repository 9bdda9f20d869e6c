"""Unique within the tenant: a key of another tenant's row collides with nothing, so nothing is learnt from it."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0003_walls"),
        ("controls", "0002_isolation"),
        ("evidence", "0002_isolation"),
        ("incidents", "0005_keys_within_the_tenant"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="artifact",
            name="artifact_path_unique",
        ),
        migrations.RemoveConstraint(
            model_name="bundlecontrol",
            name="bundle_control_unique",
        ),
        migrations.RemoveConstraint(
            model_name="evidencebundle",
            name="bundle_superseded_once",
        ),
        migrations.RemoveConstraint(
            model_name="pack",
            name="pack_number_unique",
        ),
        migrations.AddConstraint(
            model_name="artifact",
            constraint=models.UniqueConstraint(fields=("tenant", "bundle", "path"), name="artifact_path_unique"),
        ),
        migrations.AddConstraint(
            model_name="bundlecontrol",
            constraint=models.UniqueConstraint(fields=("tenant", "bundle", "control"), name="bundle_control_unique"),
        ),
        migrations.AddConstraint(
            model_name="evidencebundle",
            constraint=models.UniqueConstraint(
                condition=models.Q(("supersedes__isnull", False), models.Q(("status", "ABANDONED"), _negated=True)),
                fields=("tenant", "supersedes"),
                name="bundle_superseded_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="pack",
            constraint=models.UniqueConstraint(fields=("tenant", "bundle", "number"), name="pack_number_unique"),
        ),
    ]
