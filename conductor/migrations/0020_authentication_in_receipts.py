"""Receipts and runs say how their actor was authenticated. Rows of before have none, and stay as they were signed."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0019_answers_without_words")]

    operations = [
        migrations.AddField("receipt", "authentication", models.JSONField(null=True)),
        migrations.AddField("run", "started_proof", models.JSONField(null=True)),
    ]
