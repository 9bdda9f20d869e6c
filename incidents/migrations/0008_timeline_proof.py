"""The timeline's chain and its redactions, asserted milestones, and who may read a private incident."""

from __future__ import annotations

import secrets
from datetime import UTC
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import conductor.lib.ids
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.database.rls import APP_ROLE, append_only, row_level_security

# Only a redaction that another person approved may drop words; the digests and everything else stay as they are.
REDACT_ONLY = f"""
CREATE FUNCTION incidents_redact_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE droppable text[] := '{{body,data,body_salt,data_salt,redacted_at}}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL
       AND NEW.body = '' AND NEW.body_salt = ''
       AND (NEW.data = OLD.data AND NEW.data_salt = OLD.data_salt
            OR NEW.data = '{{}}'::jsonb AND NEW.data_salt = '')
       AND to_jsonb(OLD) - droppable IS NOT DISTINCT FROM to_jsonb(NEW) - droppable
       AND EXISTS (SELECT FROM incidents_redaction r WHERE r.event_id = NEW.id AND r.approved_at IS NOT NULL
                   AND (r.drops_data OR NEW.data = OLD.data)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER incidents_timelineevent_append_only BEFORE UPDATE OR DELETE ON incidents_timelineevent
    FOR EACH ROW EXECUTE FUNCTION incidents_redact_only();
GRANT UPDATE (body, data, body_salt, data_salt, redacted_at) ON incidents_timelineevent TO {APP_ROLE};
"""


def chain_what_there_is(apps: Any, schema_editor: Any) -> None:
    """Give entries that were written before their salts and digests, incident by incident."""
    TimelineEvent = apps.get_model("incidents", "TimelineEvent")
    # Not the default connection: that is the application's role, which may change nothing and sees no tenant.
    events = TimelineEvent.objects.using(schema_editor.connection.alias)
    incident, previous, batch = None, "", []
    fields = ["body_salt", "data_salt", "body_digest", "data_digest", "chain_digest"]
    for event in events.order_by("incident_id", "seq").iterator(chunk_size=2000):
        previous = previous if event.incident_id == incident else ""
        incident = event.incident_id
        for part in ("body", "data"):
            salt = secrets.token_hex(16)
            setattr(event, f"{part}_salt", salt)
            digest = sha256_hex(salt.encode() + b"\0" + canonical_json(getattr(event, part)))
            setattr(event, f"{part}_digest", digest)
        event.chain_digest = previous = sha256_hex(canonical_json(_link(event, previous)))
        batch.append(event)
        if len(batch) == 1000:
            events.bulk_update(batch, fields)
            batch = []
    events.bulk_update(batch, fields)


def _link(event: Any, previous: str) -> dict[str, Any]:
    times = {
        name: getattr(event, name).astimezone(UTC).isoformat(timespec="microseconds")
        for name in ("occurred_at", "recorded_at")
    }
    names = ("seq", "kind", "actor", "source", "body_digest", "data_digest")
    return {"previous": previous, **times, **{name: getattr(event, name) for name in names}}


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0010_incident_links"),
        ("incidents", "0007_response_work"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessGrant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_name", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("granted_by", models.CharField(max_length=120)),
                ("granted_by_name", models.CharField(max_length=200)),
                ("granted_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        choices=[
                            ("impact_started", "Impact began"),
                            ("detected", "Detected"),
                            ("identified", "Cause found"),
                            ("impact_ended", "Impact ended"),
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("reason", models.TextField(blank=True)),
                ("asserted_by", models.CharField(max_length=120)),
                ("asserted_by_name", models.CharField(max_length=200)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Redaction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.TextField()),
                ("legal_basis", models.CharField(max_length=200)),
                ("drops_data", models.BooleanField(default=False)),
                ("requested_by", models.CharField(max_length=120)),
                ("requested_by_name", models.CharField(max_length=200)),
                ("requested_at", models.DateTimeField()),
                ("approved_by", models.CharField(blank=True, max_length=120)),
                ("approved_by_name", models.CharField(blank=True, max_length=200)),
                ("approved_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="incident",
            name="impact_ended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="impact_started_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="visibility",
            field=models.CharField(
                choices=[("NORMAL", "Everybody here"), ("PRIVATE", "Only who works on it")],
                default="NORMAL",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="body_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="body_salt",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="chain_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="data_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="data_salt",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="timelineevent",
            name="redacted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("visibility__in", ["NORMAL", "PRIVATE"])), name="incident_visibility_known"
            ),
        ),
        migrations.AddField(
            model_name="accessgrant",
            name="incident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="incidents.incident"
            ),
        ),
        migrations.AddField(
            model_name="accessgrant",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddField(
            model_name="accessgrant",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="milestone",
            name="incident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="milestones", to="incidents.incident"
            ),
        ),
        migrations.AddField(
            model_name="milestone",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddField(
            model_name="redaction",
            name="event",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="redactions", to="incidents.timelineevent"
            ),
        ),
        migrations.AddField(
            model_name="redaction",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="accessgrant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("tenant", "incident", "user"),
                name="grant_one_open",
            ),
        ),
        migrations.AddIndex(
            model_name="milestone",
            index=models.Index(fields=["tenant", "incident", "key"], name="milestone_of_incident"),
        ),
        migrations.AddConstraint(
            model_name="milestone",
            constraint=models.CheckConstraint(
                condition=models.Q(("key__in", ["impact_started", "detected", "identified", "impact_ended"])),
                name="milestone_key_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="redaction",
            constraint=models.UniqueConstraint(fields=("tenant", "event"), name="redaction_one_per_entry"),
        ),
        migrations.AddConstraint(
            model_name="redaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_at__isnull", True),
                    models.Q(("approved_by", models.F("requested_by")), _negated=True),
                    _connector="OR",
                ),
                name="redaction_by_two_people",
            ),
        ),
        migrations.RunSQL(
            "DROP TRIGGER incidents_timelineevent_append_only ON incidents_timelineevent",
            "CREATE TRIGGER incidents_timelineevent_append_only BEFORE UPDATE OR DELETE ON incidents_timelineevent"
            " FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change()",
        ),
        migrations.RunPython(chain_what_there_is, migrations.RunPython.noop),
        *row_level_security("incidents_redaction", "incidents_milestone", "incidents_accessgrant"),
        *append_only("incidents_milestone"),
        migrations.RunSQL(
            REDACT_ONLY,
            f"REVOKE UPDATE (body, data, body_salt, data_salt, redacted_at) ON incidents_timelineevent FROM {APP_ROLE};"
            " DROP TRIGGER incidents_timelineevent_append_only ON incidents_timelineevent;"
            " DROP FUNCTION incidents_redact_only();",
        ),
    ]
