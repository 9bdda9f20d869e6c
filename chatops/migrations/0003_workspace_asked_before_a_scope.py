"""Which tenant a workspace speaks for is asked before a scope is open; inside one the question has no answer."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import APP_ROLE

TENANT_OF_TEAM = f"""
CREATE OR REPLACE FUNCTION chatops_tenant_of_team(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
        SELECT tenant_id FROM chatops_slackinstallation
        WHERE team_id = $1 AND revoked_at IS NULL AND conductor_current_tenant() IS NULL $$;
REVOKE EXECUTE ON FUNCTION chatops_tenant_of_team(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chatops_tenant_of_team(text) TO {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0003_walls"), ("chatops", "0002_isolation")]

    operations = [migrations.RunSQL(TENANT_OF_TEAM, migrations.RunSQL.noop)]
