"""The wall between tenants, and evidence that nobody can change once it is sealed."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import append_only, row_level_security

SEALED = """
CREATE FUNCTION evidence_refuse_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'SEALED' THEN
        RAISE EXCEPTION 'a sealed bundle is never changed, only superseded' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_bundle_sealed BEFORE UPDATE OR DELETE ON evidence_evidencebundle
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse_sealed();

CREATE FUNCTION evidence_refuse_late_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE standing text;
BEGIN
    -- FOR SHARE makes this wait for a sealing that is under way, and a sealing wait for this.
    SELECT status INTO standing FROM evidence_evidencebundle WHERE id = NEW.bundle_id FOR SHARE;
    IF standing IN ('SEALED', 'ABANDONED') THEN
        RAISE EXCEPTION 'a bundle that is % takes nothing more', lower(standing)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_artifact_late BEFORE INSERT ON evidence_artifact
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse_late_artifact();
CREATE TRIGGER evidence_control_late BEFORE INSERT ON evidence_bundlecontrol
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse_late_artifact();

CREATE FUNCTION evidence_refuse_ready_pack() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'READY' THEN
        RAISE EXCEPTION 'a pack that is ready is never changed, only followed by another'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_pack_ready BEFORE UPDATE OR DELETE ON evidence_pack
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse_ready_pack();
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("evidence", "0001_initial")]

    operations = [
        *row_level_security("evidence_evidencebundle", "evidence_bundlecontrol", "evidence_artifact", "evidence_pack"),
        *append_only("evidence_artifact", "evidence_bundlecontrol"),
        migrations.RunSQL(SEALED, migrations.RunSQL.noop),
    ]
