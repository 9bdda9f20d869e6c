"""A tenant says of itself that it is a demonstration."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0020_authentication_in_receipts")]

    operations = [migrations.AddField("tenant", "is_staged", models.BooleanField(default=False))]
