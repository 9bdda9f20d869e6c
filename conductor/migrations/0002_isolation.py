"""The application's role, the wall between tenants, and receipts that nobody can change."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import APP_ROLE, append_only, row_level_security

ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    IF NOT pg_has_role(current_user, '{APP_ROLE}', 'MEMBER') THEN
        EXECUTE format('GRANT {APP_ROLE} TO %I', current_user);
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO {APP_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {APP_ROLE};
"""

FUNCTIONS = """
CREATE FUNCTION conductor_current_tenant() RETURNS uuid LANGUAGE sql STABLE
    AS $$ SELECT NULLIF(current_setting('conductor.tenant_id', true), '')::uuid $$;

CREATE FUNCTION conductor_tenant_id(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT id FROM conductor_tenant WHERE slug = $1 $$;

CREATE FUNCTION conductor_tenants() RETURNS TABLE (id uuid, slug varchar) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT id, slug FROM conductor_tenant ORDER BY slug $$;

CREATE FUNCTION conductor_user_tenants(integer) RETURNS TABLE (id uuid, slug varchar, name varchar, role varchar)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT t.id, t.slug, t.name, m.role FROM conductor_membership m
        JOIN conductor_tenant t ON t.id = m.tenant_id WHERE m.user_id = $1 ORDER BY t.name $$;

CREATE FUNCTION conductor_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION conductor_sequence_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.leaf_index IS NOT NULL
       OR (to_jsonb(OLD) - '{leaf_index,leaf_hash,envelope,sequenced_at}'::text[])
          IS DISTINCT FROM (to_jsonb(NEW) - '{leaf_index,leaf_hash,envelope,sequenced_at}'::text[]) THEN
        RAISE EXCEPTION 'a receipt is numbered once and never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""

RECEIPTS = f"""
CREATE TRIGGER conductor_receipt_sequence_only BEFORE UPDATE ON conductor_receipt
    FOR EACH ROW EXECUTE FUNCTION conductor_sequence_only();
CREATE TRIGGER conductor_receipt_no_delete BEFORE DELETE ON conductor_receipt
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_receipt_no_truncate BEFORE TRUNCATE ON conductor_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_receipt FROM {APP_ROLE};
GRANT UPDATE (leaf_index, leaf_hash, envelope, sequenced_at) ON conductor_receipt TO {APP_ROLE};
"""

TENANT_TABLES = (
    "conductor_numberseries",
    "conductor_environment",
    "conductor_membership",
    "conductor_apitoken",
    "conductor_node",
    "conductor_edge",
    "conductor_receipt",
    "conductor_checkpoint",
    "conductor_policydecision",
    "conductor_meterevent",
    "conductor_run",
    "conductor_step",
    "conductor_try",
    "conductor_idempotentresponse",
)


class Migration(migrations.Migration):
    dependencies = [("conductor", "0001_initial")]

    operations = [
        migrations.RunSQL(ROLE, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        *row_level_security("conductor_tenant", column="id"),
        *row_level_security(*TENANT_TABLES),
        migrations.RunSQL(RECEIPTS, migrations.RunSQL.noop),
        *append_only("conductor_checkpoint", "conductor_policybundle", "conductor_policydecision"),
    ]
