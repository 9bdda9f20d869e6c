"""A request to redact is approved, refused or withdrawn, once; after the latter two it may be asked for again."""

from __future__ import annotations

from django.db import migrations, models

FUNCTION = """
CREATE OR REPLACE FUNCTION incidents_redact_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE droppable text[] := '{{body,data,body_salt,data_salt,redacted_at}}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL
       AND NEW.body = '' AND NEW.body_salt = ''
       AND (NEW.data = OLD.data AND NEW.data_salt = OLD.data_salt
            OR NEW.data = '{{}}'::jsonb AND NEW.data_salt = '')
       AND to_jsonb(OLD) - droppable IS NOT DISTINCT FROM to_jsonb(NEW) - droppable
       AND EXISTS (SELECT FROM incidents_redaction r WHERE r.event_id = NEW.id AND {approved}
                   AND (r.drops_data OR NEW.data = OLD.data)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
"""

# An answer is final: neither it nor its reason changes afterwards, and no request is deleted.
FINAL = """
CREATE FUNCTION incidents_answer_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'WAITING' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% keeps its answers: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER incidents_redaction_answer_once BEFORE UPDATE OR DELETE ON incidents_redaction
    FOR EACH ROW EXECUTE FUNCTION incidents_answer_once();
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0011_running_clocks")]

    operations = [
        migrations.RemoveConstraint(model_name="redaction", name="redaction_one_per_entry"),
        migrations.RemoveConstraint(model_name="redaction", name="redaction_by_two_people"),
        migrations.RenameField(model_name="redaction", old_name="approved_by", new_name="answered_by"),
        migrations.RenameField(model_name="redaction", old_name="approved_by_name", new_name="answered_by_name"),
        migrations.RenameField(model_name="redaction", old_name="approved_at", new_name="answered_at"),
        migrations.AddField(model_name="redaction", name="answer_reason", field=models.TextField(blank=True)),
        migrations.AddField(
            model_name="redaction",
            name="state",
            field=models.CharField(
                choices=[
                    ("WAITING", "Waits for a second person"),
                    ("APPROVED", "Approved"),
                    ("REFUSED", "Refused"),
                    ("WITHDRAWN", "Withdrawn"),
                ],
                default="WAITING",
                max_length=9,
            ),
        ),
        migrations.RunSQL(
            "UPDATE incidents_redaction SET state = 'APPROVED' WHERE answered_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="redaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["WAITING", "APPROVED"])),
                fields=("tenant", "event"),
                name="redaction_one_per_entry",
            ),
        ),
        migrations.AddConstraint(
            model_name="redaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at", None), ("state", "WAITING")),
                    models.Q(
                        models.Q(("answered_by", models.F("requested_by")), _negated=True),
                        ("answered_at__isnull", False),
                        ("state__in", ["APPROVED", "REFUSED"]),
                    ),
                    models.Q(
                        ("answered_at__isnull", False),
                        ("answered_by", models.F("requested_by")),
                        ("state", "WITHDRAWN"),
                    ),
                    _connector="OR",
                ),
                name="redaction_by_two_people",
            ),
        ),
        migrations.RunSQL(
            FUNCTION.format(approved="r.state = 'APPROVED'"), FUNCTION.format(approved="r.answered_at IS NOT NULL")
        ),
        migrations.RunSQL(
            FINAL,
            "DROP TRIGGER incidents_redaction_answer_once ON incidents_redaction;"
            " DROP FUNCTION incidents_answer_once();",
        ),
    ]
