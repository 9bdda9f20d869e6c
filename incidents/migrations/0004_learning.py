"""Postmortems are reviewed and carry charts; action items; entry kinds are no longer the column's business."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import conductor.lib.ids
from conductor.tenancy.database.rls import row_level_security


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0002_isolation"),
        ("incidents", "0003_chat_entries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActionItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.CharField(max_length=200)),
                ("detail", models.TextField(blank=True)),
                (
                    "type",
                    models.CharField(
                        choices=[("DETECT", "Detect"), ("PREVENT", "Prevent"), ("CORRECT", "Correct")], max_length=8
                    ),
                ),
                ("owner_name", models.CharField(blank=True, max_length=200)),
                ("due_date", models.DateField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("OPEN", "Open"), ("DONE", "Done"), ("DROPPED", "Dropped")],
                        default="OPEN",
                        max_length=8,
                    ),
                ),
                (
                    "effect",
                    models.CharField(
                        blank=True,
                        choices=[("", "Not closed"), ("UNVERIFIED", "Unverified"), ("VERIFIED", "Verified")],
                        default="",
                        max_length=10,
                    ),
                ),
                ("effect_note", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=200)),
                ("ticket_url", models.CharField(blank=True, max_length=500)),
                ("reminders", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_by", models.CharField(blank=True, max_length=200)),
                ("version", models.PositiveIntegerField(default=1)),
            ],
        ),
        migrations.AddField(
            model_name="postmortem",
            name="approved_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="approved_by",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="approved_by_name",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="authors",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="charts",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="is_final",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="published_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="published_by",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="review_asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="postmortem",
            name="review_asked_by",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="postmortem",
            name="status",
            field=models.CharField(
                choices=[
                    ("DRAFT", "Draft"),
                    ("IN_REVIEW", "In review"),
                    ("APPROVED", "Approved"),
                    ("PUBLISHED", "Published"),
                ],
                default="DRAFT",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="timelineevent",
            name="kind",
            field=models.CharField(max_length=40),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["DRAFT", "IN_REVIEW", "APPROVED", "PUBLISHED"])),
                name="postmortem_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approved_at__isnull", True), ("status__in", ["DRAFT", "IN_REVIEW"])),
                    models.Q(("approved_at__isnull", False), ("status__in", ["APPROVED", "PUBLISHED"])),
                    _connector="OR",
                ),
                name="postmortem_approved_has_time",
            ),
        ),
        migrations.AddField(
            model_name="actionitem",
            name="incident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="action_items", to="incidents.incident"
            ),
        ),
        migrations.AddField(
            model_name="actionitem",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="actionitem",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="actionitem",
            index=models.Index(fields=["tenant", "status", "due_date"], name="action_item_due"),
        ),
        migrations.AddConstraint(
            model_name="actionitem",
            constraint=models.UniqueConstraint(fields=("tenant", "number"), name="action_item_number_unique"),
        ),
        migrations.AddConstraint(
            model_name="actionitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["OPEN", "DONE", "DROPPED"])), name="action_item_status_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="actionitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["DETECT", "PREVENT", "CORRECT"])), name="action_item_type_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="actionitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("status", "OPEN")),
                    models.Q(models.Q(("status", "OPEN"), _negated=True), ("closed_at__isnull", False)),
                    _connector="OR",
                ),
                name="action_item_closed_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("effect__in", ["UNVERIFIED", "VERIFIED"]), ("status", "DONE")),
                    models.Q(models.Q(("status", "DONE"), _negated=True), ("effect", "")),
                    _connector="OR",
                ),
                name="action_item_done_has_effect",
            ),
        ),
        *row_level_security("incidents_actionitem"),
    ]
