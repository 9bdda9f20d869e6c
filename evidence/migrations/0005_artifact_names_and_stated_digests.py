"""The name that an uploaded file had, and the digest that its sender stated."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0004_superseded_findings")]

    operations = [
        migrations.AddField("artifact", "original_name", models.CharField(blank=True, default="", max_length=200)),
        migrations.AddField("artifact", "stated_digest", models.CharField(blank=True, default="", max_length=64)),
    ]
