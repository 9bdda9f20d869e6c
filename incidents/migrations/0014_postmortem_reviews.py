"""A reviewer may send a postmortem back, with a comment; what is approved blank is named, with a reason."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

STATUSES = [
    ("DRAFT", "Draft"),
    ("IN_REVIEW", "In review"),
    ("CHANGES", "Changes requested"),
    ("APPROVED", "Approved"),
    ("PUBLISHED", "Published"),
]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0013_alert_sources")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="postmortem", name="postmortem_status_known"),
        migrations.RemoveConstraint(model_name="postmortem", name="postmortem_approved_has_time"),
        migrations.AddField(model_name="postmortem", name="changes_asked_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="postmortem", name="changes_asked_by", field=models.CharField(blank=True, max_length=200)
        ),
        migrations.AddField(model_name="postmortem", name="changes_comment", field=models.TextField(blank=True)),
        migrations.AddField(model_name="postmortem", name="waived", field=models.JSONField(default=list)),
        migrations.AddField(model_name="postmortem", name="waiver_reason", field=models.TextField(blank=True)),
        migrations.AlterField(
            model_name="postmortem",
            name="status",
            field=models.CharField(choices=STATUSES, default="DRAFT", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "IN_REVIEW", "CHANGES", "APPROVED", "PUBLISHED"]),
                name="postmortem_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "IN_REVIEW", "CHANGES"], approved_at__isnull=True)
                | Q(status__in=["APPROVED", "PUBLISHED"], approved_at__isnull=False),
                name="postmortem_approved_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=~Q(status="CHANGES") | (Q(changes_asked_at__isnull=False) & ~Q(changes_comment="")),
                name="postmortem_changes_say_what",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=Q(waived=[]) | ~Q(waiver_reason=""), name="postmortem_waiver_has_reason"
            ),
        ),
    ]
