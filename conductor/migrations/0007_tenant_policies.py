"""Rules of a tenant's own, simulations of rules, and the digests that a decision carries besides."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import conductor.lib.ids
from conductor.tenancy.database.rls import APP_ROLE, row_level_security

IMMUTABLE = f"""
CREATE FUNCTION conductor_policy_state_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving text[] := '{{state,activated_at,activated_by,activated_by_name,retired_at,retired_by,retired_by_name,'
                     'retired_reason}}';
BEGIN
    IF OLD.state = 'RETIRED' OR (to_jsonb(OLD) - moving) IS DISTINCT FROM (to_jsonb(NEW) - moving)
       OR (NEW.state = 'DRAFT') OR (OLD.state = 'ACTIVE' AND NEW.state = 'ACTIVE') THEN
        RAISE EXCEPTION 'rules of a tenant are never changed: upload a new version'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conductor_tenantpolicy_state_only BEFORE UPDATE ON conductor_tenantpolicy
    FOR EACH ROW EXECUTE FUNCTION conductor_policy_state_only();
CREATE TRIGGER conductor_tenantpolicy_no_delete BEFORE DELETE ON conductor_tenantpolicy
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_tenantpolicy_no_truncate BEFORE TRUNCATE ON conductor_tenantpolicy
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE DELETE, TRUNCATE ON conductor_tenantpolicy FROM {APP_ROLE};
"""
UNDO = f"""
DROP TRIGGER conductor_tenantpolicy_state_only ON conductor_tenantpolicy;
DROP TRIGGER conductor_tenantpolicy_no_delete ON conductor_tenantpolicy;
DROP TRIGGER conductor_tenantpolicy_no_truncate ON conductor_tenantpolicy;
DROP FUNCTION conductor_policy_state_only();
GRANT DELETE ON conductor_tenantpolicy TO {APP_ROLE};
"""

# Tenants that exist already get the two new permissions for the roles that hold them; new ones get them when made.
GRANTS = """
INSERT INTO auth_permission (name, content_type_id, codename)
    SELECT new.name, kind.id, new.codename FROM django_content_type kind, (VALUES
        ('Upload, simulate and retire rules of the organisation''s own', 'manage_policies'),
        ('Put rules in force that somebody else uploaded', 'activate_policies')) AS new (name, codename)
    WHERE kind.app_label = 'conductor' AND kind.model = 'tenant'
    ON CONFLICT DO NOTHING;
INSERT INTO guardian_groupobjectpermission (object_pk, content_type_id, group_id, permission_id)
    SELECT tenant.id::text, kind.id, holder.id, permission.id
    FROM conductor_tenant tenant
    JOIN django_content_type kind ON kind.app_label = 'conductor' AND kind.model = 'tenant'
    JOIN (VALUES ('ADMIN', 'manage_policies'), ('ADMIN', 'activate_policies'), ('COMMANDER', 'activate_policies'))
        AS held (role, codename) ON true
    JOIN auth_group holder ON holder.name = 'tenant:' || tenant.id || ':' || held.role
    JOIN auth_permission permission ON permission.content_type_id = kind.id AND permission.codename = held.codename
    ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0006_ledger_hardening"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="tenant",
            options={
                "permissions": [
                    ("view_incidents", "Read incidents, their timelines and the resource graph"),
                    ("respond", "Declare incidents, acknowledge them, post updates and move their status"),
                    ("command", "Assign roles and resolve the most severe incidents"),
                    ("override_guards", "Move an incident past unmet guards, with a reason"),
                    ("configure_response", "Change the response policy and its reporting rules"),
                    ("view_private", "Read private incidents"),
                    ("decide_reporting", "Decide and sign whether an incident is reported to authorities or customers"),
                    ("view_evidence", "Read evidence bundles, packs and receipts"),
                    ("collect_evidence", "Open evidence bundles and attach artifacts"),
                    ("seal_evidence", "Seal evidence bundles"),
                    ("view_controls", "Read the control catalogue and its coverage"),
                    ("run_controls", "Start control workflows"),
                    ("view_runs", "Read workflow runs"),
                    ("operate_runs", "Cancel and retry workflow runs, decide their waits"),
                    ("edit_graph", "Import resources and dependencies"),
                    ("manage_policies", "Upload, simulate and retire rules of the organisation's own"),
                    ("activate_policies", "Put rules in force that somebody else uploaded"),
                    ("manage_adapters", "Configure adapters and their secrets"),
                    ("manage_members", "Invite members and issue API tokens"),
                ]
            },
        ),
        migrations.AddField(
            model_name="policydecision",
            name="data_digest",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="policydecision",
            name="tenant_digest",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="policydecision",
            name="tenant_policies",
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name="PolicySimulation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.CharField(max_length=200)),
                ("candidate", models.JSONField()),
                ("candidate_digest", models.CharField(max_length=64)),
                ("selection", models.JSONField()),
                ("run", models.CharField(blank=True, max_length=120)),
                ("total", models.PositiveIntegerField()),
                ("done", models.PositiveIntegerField(default=0)),
                ("cursor", models.CharField(blank=True, max_length=40)),
                ("result", models.JSONField(default=dict)),
                ("started_by", models.CharField(max_length=120)),
                ("started_by_name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conductor.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "number"), name="policy_simulation_number_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("done__lte", models.F("total"))), name="policy_simulation_done_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantPolicy",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("purpose", models.CharField(max_length=200)),
                ("rego", models.TextField()),
                ("data", models.JSONField(default=dict)),
                ("digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("DRAFT", "Draft"), ("ACTIVE", "Active"), ("RETIRED", "Retired")],
                        default="DRAFT",
                        max_length=8,
                    ),
                ),
                ("uploaded_at", models.DateTimeField()),
                ("uploaded_by", models.CharField(max_length=120)),
                ("uploaded_by_name", models.CharField(max_length=200)),
                ("activated_at", models.DateTimeField(null=True)),
                ("activated_by", models.CharField(blank=True, max_length=120)),
                ("activated_by_name", models.CharField(blank=True, max_length=200)),
                ("retired_at", models.DateTimeField(null=True)),
                ("retired_by", models.CharField(blank=True, max_length=120)),
                ("retired_by_name", models.CharField(blank=True, max_length=200)),
                ("retired_reason", models.CharField(blank=True, max_length=400)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conductor.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "state"], name="tenant_policy_state")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "name", "version"), name="tenant_policy_version_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "ACTIVE")),
                        fields=("tenant", "name"),
                        name="tenant_policy_one_active",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["DRAFT", "ACTIVE", "RETIRED"])),
                        name="tenant_policy_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ACTIVE"), _negated=True),
                            ("activated_at__isnull", False),
                            _connector="OR",
                        ),
                        name="tenant_policy_active_since",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("activated_by", ""),
                            models.Q(("activated_by", models.F("uploaded_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="tenant_policy_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "RETIRED"), _negated=True),
                            ("retired_at__isnull", False),
                            _connector="OR",
                        ),
                        name="tenant_policy_retired_since",
                    ),
                ],
            },
        ),
        *row_level_security("conductor_tenantpolicy", "conductor_policysimulation"),
        migrations.RunSQL(IMMUTABLE, UNDO),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
