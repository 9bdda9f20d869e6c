"""When the words of a stored request or message were forgotten (docs/decisions/0078)."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chatops", "0008_proven_slack")]

    operations = [
        migrations.AddField("slackreceipt", "words_forgotten_at", models.DateTimeField(null=True)),
        migrations.AddField("outboxmessage", "words_forgotten_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "slackreceipt",
            models.Index(
                fields=["tenant", "received_at"],
                condition=models.Q(words_forgotten_at=None),
                name="slack_receipt_words",
            ),
        ),
        migrations.AddIndex(
            "outboxmessage",
            models.Index(
                fields=["tenant", "created_at"],
                condition=models.Q(words_forgotten_at=None),
                name="slack_outbox_words",
            ),
        ),
    ]
