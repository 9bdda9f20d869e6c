"""People are seen by their own tenants only, what is asked before a scope is open, and what nobody may write."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations

from conductor.migrations import _grants, _shared_tables, _work
from conductor.tenancy.database.rls import APP_ROLE, people_of_the_tenant, policy

DIRECTORY = f"""
CREATE FUNCTION conductor_tenant_id(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
        SELECT id FROM conductor_tenant WHERE slug = $1 AND conductor_current_tenant() IS NULL $$;

CREATE FUNCTION conductor_tenants() RETURNS TABLE (id uuid, slug varchar) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT id, slug FROM conductor_tenant WHERE conductor_current_tenant() IS NULL ORDER BY slug $$;

CREATE FUNCTION conductor_user_tenants(integer)
    RETURNS TABLE (id uuid, slug varchar, name varchar, role varchar) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
        SELECT t.id, t.slug, t.name, m.role FROM conductor_membership m
        JOIN conductor_tenant t ON t.id = m.tenant_id
        WHERE m.user_id = $1 AND m.removed_at IS NULL AND conductor_current_tenant() IS NULL ORDER BY t.name $$;

REVOKE EXECUTE ON FUNCTION conductor_tenant_id(text), conductor_tenants(), conductor_user_tenants(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION conductor_tenant_id(text), conductor_tenants(), conductor_user_tenants(integer)
    TO {APP_ROLE};
"""

MINE = "conductor_current_tenant()"
PERSONS = (
    "account_emailaddress",
    "conductor_signinlink",
    "django_admin_log",
    "mfa_authenticator",
    "socialaccount_socialaccount",
    "usersessions_usersession",
)
"""Tables whose every row is about one person, by `user_id`."""

OBJECTS = f"""
    object_pk = {MINE}::text OR object_pk IN (SELECT id::text FROM conductor_environment WHERE tenant_id = {MINE})
"""
RESULTS = (
    "django_celery_results_taskresult",
    "django_celery_results_groupresult",
    "django_celery_results_chordcounter",
)
"""Results of tasks name tenants and quote errors: workers write them outside of any scope, inside one are none."""


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0002_isolation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("django_celery_results", "0014_alter_taskresult_status"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(DIRECTORY, migrations.RunSQL.noop),
        migrations.RunSQL(_work.QUEUES, migrations.RunSQL.noop),
        migrations.RunSQL(_work.DEPENDENTS, migrations.RunSQL.noop),
        # People and what is about them: every one before a scope is open, as signing in needs; then the tenant's own.
        *people_of_the_tenant("auth_user", column="id"),
        *people_of_the_tenant(*PERSONS),
        *policy(
            "account_emailconfirmation", f"{MINE} IS NULL OR email_address_id IN (SELECT id FROM account_emailaddress)"
        ),
        *policy(
            "django_session",
            f"{MINE} IS NULL OR session_key IN (SELECT session_key FROM usersessions_usersession)",
        ),
        *policy("socialaccount_socialapp", f"{MINE} IS NULL"),
        *policy(
            "socialaccount_socialtoken",
            f"{MINE} IS NULL OR account_id IN (SELECT id FROM socialaccount_socialaccount)",
        ),
        # Roles and permissions: the tenant's own, and none without a scope.
        *policy("auth_group", f"name LIKE 'tenant:' || {MINE}::text || ':%'"),
        *policy("auth_user_groups", "group_id IN (SELECT id FROM auth_group)"),
        *policy("auth_group_permissions", "group_id IN (SELECT id FROM auth_group)"),
        *policy("guardian_groupobjectpermission", OBJECTS),
        *policy("guardian_userobjectpermission", OBJECTS),
        # No tenant's scope shows what all processes share.
        migrations.RunSQL(_shared_tables.CACHE, migrations.RunSQL.noop),
        migrations.RunSQL(_shared_tables.RATE_COUNTS, migrations.RunSQL.noop),
        *(
            each
            for table in ("conductor_cache", "conductor_rate_count", *RESULTS)
            for each in policy(table, f"{MINE} IS NULL")
        ),
        migrations.RunSQL(_grants.GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(_grants.POWERS, migrations.RunSQL.noop),
        migrations.RunSQL(_grants.TIMETABLE, migrations.RunSQL.noop),
        migrations.RunSQL(_grants.LARGE_OBJECTS, migrations.RunSQL.noop),
    ]
