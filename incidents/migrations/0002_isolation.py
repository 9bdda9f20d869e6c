"""The wall between tenants, and a history that nobody can change but by a redaction that two people made."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import APP_ROLE, append_only, row_level_security

# Only a redaction that another person approved may drop words; the digests and everything else stay as they are.
REDACT_ONLY = """
CREATE FUNCTION incidents_redact_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE droppable text[] := '{body,data,body_salt,data_salt,redacted_at}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL
       AND NEW.body = '' AND NEW.body_salt = ''
       AND (NEW.data = OLD.data AND NEW.data_salt = OLD.data_salt
            OR NEW.data = '{}'::jsonb AND NEW.data_salt = '')
       AND to_jsonb(OLD) - droppable IS NOT DISTINCT FROM to_jsonb(NEW) - droppable
       AND EXISTS (SELECT FROM incidents_redaction r WHERE r.event_id = NEW.id AND r.state = 'APPROVED'
                   AND (r.drops_data OR NEW.data = OLD.data)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER incidents_timelineevent_append_only BEFORE UPDATE OR DELETE ON incidents_timelineevent
    FOR EACH ROW EXECUTE FUNCTION incidents_redact_only();
"""
DROPPABLE = f"""
GRANT UPDATE (body, data, body_salt, data_salt, redacted_at) ON incidents_timelineevent TO {APP_ROLE};
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
    dependencies = [("conductor", "0002_isolation"), ("incidents", "0001_initial")]

    operations = [
        *row_level_security(
            "incidents_incident",
            "incidents_statustransition",
            "incidents_roleassignment",
            "incidents_timelineevent",
            "incidents_postmortem",
            "incidents_actionitem",
            "incidents_responsepolicy",
            "incidents_task",
            "incidents_roleoffer",
            "incidents_redaction",
            "incidents_milestone",
            "incidents_accessgrant",
            "incidents_obligation",
            "incidents_reportingmoment",
            "incidents_ownrule",
            "incidents_alertrecord",
            "incidents_alertsource",
            "incidents_alertdelivery",
        ),
        *append_only(
            "incidents_statustransition",
            "incidents_timelineevent",
            "incidents_responsepolicy",
            "incidents_milestone",
            "incidents_reportingmoment",
            "incidents_ownrule",
        ),
        migrations.RunSQL("DROP TRIGGER incidents_timelineevent_append_only ON incidents_timelineevent"),
        migrations.RunSQL(REDACT_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(DROPPABLE, migrations.RunSQL.noop),
        migrations.RunSQL(FINAL, migrations.RunSQL.noop),
    ]
