"""The application's role, the wall between tenants, and records that nobody can change."""

from __future__ import annotations

from django.db import migrations

from conductor.migrations import _ledger, _policy
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

CREATE FUNCTION conductor_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
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
    "conductor_tile",
    "conductor_tenantpolicy",
    "conductor_policysimulation",
    "conductor_signal",
    "conductor_share",
    "conductor_invitation",
)


class Migration(migrations.Migration):
    dependencies = [("conductor", "0001_initial")]

    operations = [
        migrations.RunSQL(ROLE, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(_ledger.FUNCTIONS, migrations.RunSQL.noop),
        *row_level_security("conductor_tenant", column="id"),
        *row_level_security(*TENANT_TABLES),
        migrations.RunSQL(_ledger.GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(_policy.GUARDS, migrations.RunSQL.noop),
        *append_only("conductor_checkpoint", "conductor_policybundle", "conductor_policydecision"),
    ]
