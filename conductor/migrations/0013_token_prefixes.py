"""What people recognise an API token by."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0012_invitations")]

    operations = [
        migrations.AddField(
            "apitoken",
            "prefix",
            models.CharField(blank=True, default="", editable=False, max_length=6),
            preserve_default=False,
        ),
    ]
