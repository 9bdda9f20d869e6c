"""The wall between tenants, and the one question that must be answered before it: whose workspace is this?"""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import APP_ROLE, row_level_security

TENANT_OF_TEAM = f"""
CREATE FUNCTION chatops_tenant_of_team(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
        SELECT tenant_id FROM chatops_slackinstallation
        WHERE team_id = $1 AND revoked_at IS NULL AND conductor_current_tenant() IS NULL $$;
REVOKE EXECUTE ON FUNCTION chatops_tenant_of_team(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chatops_tenant_of_team(text) TO {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("conductor", "0002_isolation"), ("chatops", "0001_initial")]

    operations = [
        *row_level_security(
            "chatops_slackinstallation",
            "chatops_slackidentity",
            "chatops_slackreceipt",
            "chatops_slackoauthstate",
            "chatops_outboxmessage",
            "chatops_slackpace",
            "chatops_incidentchannel",
            "chatops_capturedmessage",
            "chatops_slackgroup",
        ),
        migrations.RunSQL(TENANT_OF_TEAM, "DROP FUNCTION chatops_tenant_of_team(text)"),
    ]
