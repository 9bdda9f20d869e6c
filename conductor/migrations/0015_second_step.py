"""From when on a tenant lets its members in with a second step only."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0014_shared_cache")]

    operations = [migrations.AddField("tenant", "second_step_from", models.DateTimeField(null=True))]
