"""Which rows an answer was about, in place of the answer: the copies of people's words that were kept go."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0018_proven_identity")]

    operations = [
        migrations.RunSQL("DELETE FROM conductor_idempotentresponse", migrations.RunSQL.noop),
        migrations.RemoveField("idempotentresponse", "body"),
        migrations.AddField("idempotentresponse", "answer", models.JSONField(default=dict)),
        migrations.AddField("idempotentresponse", "permissions", models.JSONField(default=list)),
    ]
