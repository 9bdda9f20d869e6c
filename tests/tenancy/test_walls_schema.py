"""What the database's own catalogue says of the walls: every table, key, constraint, sequence, view and function.

Nothing here knows a table by name but the lists of what is shared on purpose, each entry with its reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from chatops.models.workspace import SlackInstallation
from conductor.engine.models import Run
from conductor.tenancy import directory
from conductor.tenancy.database.scope import SETTING, tenant_scope
from conductor.tenancy.models import Membership, Tenant
from tests.tenancy import rows
from tests.tenancy.test_walls_rows import ONE_PER_INSTALLATION
from tests.world import NOW

SHARED = {
    "auth_permission": "names of permissions",
    "auth_user_user_permissions": "Django's own permissions, which nothing here asks",
    "conductor_policybundle": "the built-in rules",
    "conductor_signingkey": "the installation's public keys, with which anybody may verify",
    "conductor_pricebook": "prices are the installation's",
    "controls_control": "the catalogue is the same for all, and read-only",
    "controls_controlmapping": "the catalogue is the same for all, and read-only",
    "controls_framework": "the catalogue is the same for all, and read-only",
    "django_celery_beat_clockedschedule": "the installation's timetable: it names tasks, never tenants",
    "django_celery_beat_crontabschedule": "the installation's timetable",
    "django_celery_beat_intervalschedule": "the installation's timetable",
    "django_celery_beat_periodictask": "the installation's timetable",
    "django_celery_beat_periodictasks": "the installation's timetable",
    "django_celery_beat_solarschedule": "the installation's timetable",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
}
"""Tables that hold nothing of any tenant's, and nothing about any person."""

ASKED_BEFORE_A_SCOPE = {
    "conductor_tenant_id": "SELECT conductor_tenant_id('globex')",
    "conductor_tenants": "SELECT id FROM conductor_tenants() WHERE slug = 'globex'",
    "conductor_user_tenants": "SELECT id FROM conductor_user_tenants(%(max)s)",
    "conductor_turns": "SELECT tenant_id FROM conductor_turns(now(), 20, 4, 10)",
    "conductor_backlog": "SELECT %(globex)s::uuid WHERE (SELECT sum(due) FROM conductor_backlog(now())) > 0",
    "chatops_tenant_of_team": "SELECT chatops_tenant_of_team('T0GLOBEX')",
}
"""Functions that look past the walls, each with a question that finds Globex."""


def _ask(sql: str, params: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def test_every_table_has_a_wall_or_a_reason(db: None) -> None:
    bare = _ask("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relrowsecurity "
                "AND relnamespace = 'public'::regnamespace")  # fmt: skip

    assert {name for (name,) in bare} == set(SHARED)


def test_what_is_shared_can_be_read_only_or_names_no_tenant(db: None) -> None:
    for (name,) in _ask("SELECT table_name FROM information_schema.columns WHERE column_name ~ 'tenant' "
                        "AND table_schema = 'public'"):  # fmt: skip
        assert name not in SHARED


def test_every_key_between_tenants_tables_carries_the_tenant(db: None) -> None:
    plain = _ask("""
        SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
        WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.confrelid <> 'conductor_tenant'::regclass
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.conrelid AND attname = 'tenant_id')
          AND (k.confrelid = 'auth_user'::regclass
               OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.confrelid AND attname = 'tenant_id'))
    """)

    # A membership is what makes a person the tenant's; everything else names people through it.
    assert [table for table, _ in plain] == ["conductor_membership"]


def test_every_unique_index_begins_with_the_tenant(db: None) -> None:
    loose = _ask("""
        SELECT i.indrelid::regclass::text FROM pg_index i JOIN pg_attribute a
            ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND NOT i.indisprimary AND a.attname <> 'tenant_id'
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = i.indrelid AND attname = 'tenant_id')
    """)

    assert [table for (table,) in loose] == [model._meta.db_table for model in ONE_PER_INSTALLATION]


def test_no_tenants_table_counts_in_a_sequence(db: None) -> None:
    tables = {model._meta.db_table for model in rows.tenant_models()}
    counted = _ask("SELECT d.refobjid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid "
                   "WHERE s.relkind = 'S' AND d.refclassid = 'pg_class'::regclass")  # fmt: skip

    assert counted
    assert tables.isdisjoint(name for (name,) in counted)


def test_no_view_looks_past_the_walls(db: None) -> None:
    assert _ask("SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace "
                "AND NOT COALESCE(reloptions @> ARRAY['security_invoker=true'], false)") == []  # fmt: skip


def test_functions_that_look_past_the_walls_answer_before_a_scope_only(
    tenant: Tenant, other_tenant: Tenant, max_: User
) -> None:
    past = _ask("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    with tenant_scope(other_tenant.id):
        rows.make(SlackInstallation, other_tenant, team_id="T0GLOBEX", revoked_at=None)
        rows.make(Run, other_tenant, status=Run.Status.QUEUED, wake_at=NOW, priority=Run.Priority.INCIDENT)
    known = {"max": max_.pk, "globex": other_tenant.id}

    assert {name for (name,) in past} == set(ASKED_BEFORE_A_SCOPE)
    for question in ASKED_BEFORE_A_SCOPE.values():
        assert _ask(question, known) == [(other_tenant.id,)]
        with tenant_scope(tenant.id):
            assert _ask(question, known) in ([], [(None,)])
    with tenant_scope(tenant.id):
        assert directory.tenant_refs() == []


def test_the_application_can_change_neither_walls_nor_functions_nor_its_role(db: None) -> None:
    for statement in (
        "ALTER TABLE conductor_membership DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON conductor_membership",
        "CREATE POLICY mine ON conductor_membership USING (true)",
        "CREATE OR REPLACE FUNCTION conductor_current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
        "CREATE TABLE public.copy AS SELECT 1",
        "TRUNCATE conductor_membership",
        "ALTER ROLE conductor_app BYPASSRLS",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with transaction.atomic():
        # Turning row security off does not show more: it makes PostgreSQL refuse the query altogether.
        _ask("SELECT set_config('row_security', 'off', true)")
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Membership.ever.count()
        _ask("SELECT set_config('row_security', 'on', true)")


def test_statistics_of_columns_are_hidden_with_their_rows(db: None) -> None:
    """`pg_stats` would show the commonest values of a column, whoever's they are."""
    tables = [model._meta.db_table for model in rows.tenant_models()]

    assert _ask("SELECT count(*) FROM pg_stats WHERE tablename = ANY(%s)", [tables]) == [(0,)]


def test_the_setting_outside_of_a_transaction_opens_nothing(committed: None, other_tenant: Tenant) -> None:
    _ask(f"SELECT set_config('{SETTING}', %s, true)", [str(other_tenant.id)])

    assert Membership.ever.count() == 0


def test_a_scope_holds_whatever_a_session_was_set_to(committed: None, tenant: Tenant, other_tenant: Tenant) -> None:
    _ask(f"SELECT set_config('{SETTING}', %s, false)", [str(other_tenant.id)])

    with tenant_scope(tenant.id):
        assert set(Membership.ever.values_list("tenant_id", flat=True)) == {tenant.id}
    connection.close()
    assert Membership.ever.count() == 0
