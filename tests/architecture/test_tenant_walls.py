"""Walks all models: no tenant table without its wall, and the wall holds for reading and writing."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, models, transaction

from conductor.tenancy.database.rls import APP_ROLE
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Membership, Tenant

PACKAGES = {"conductor", "adapters", "incidents", "controls", "evidence", "chatops"}
SHARED = {
    "conductor.PriceBook",  # prices are the installation's
    "conductor.PolicyBundle",  # the built-in rules
    "conductor.SignInLink",  # a person's, not a tenant's
    "conductor.SigningKey",  # the installation's; public keys only
    "controls.Framework",
    "controls.Control",
    "controls.ControlMapping",  # the catalogue is the same for all
}


def _models() -> list[type[models.Model]]:
    return [each for each in apps.get_models() if each._meta.app_label in PACKAGES and each._meta.label not in SHARED]


@pytest.mark.parametrize("model", _models(), ids=lambda each: each._meta.label)
def test_every_tenant_table_has_its_wall(db: None, model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        assert cursor.fetchone() == (True,), f"{model._meta.db_table} has no row-level security"
        cursor.execute("SELECT qual, with_check FROM pg_policies WHERE tablename = %s", [model._meta.db_table])
        policies = cursor.fetchall()
    assert len(policies) == 1
    assert all("conductor_current_tenant()" in clause for clause in policies[0])


@pytest.mark.parametrize("model", _models(), ids=lambda each: each._meta.label)
def test_without_a_scope_there_is_no_row(db: None, model: type[models.Model]) -> None:
    assert not model._default_manager.exists()


def test_the_suite_runs_as_the_applications_role(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP_ROLE,)
        cursor.execute("SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchone() == (0,)


def test_a_scope_shows_one_tenant_only(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        assert set(Environment.objects.values_list("tenant_id", flat=True)) == {tenant.id}
        assert set(Tenant.objects.values_list("slug", flat=True)) == {"northwind"}
        with tenant_scope(other_tenant.id):
            assert set(Tenant.objects.values_list("slug", flat=True)) == {"globex"}
        assert set(Tenant.objects.values_list("slug", flat=True)) == {"northwind"}


def test_a_row_of_another_tenant_can_be_neither_written_nor_moved(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant.id):
        theirs = Environment.objects.get(slug="production")
    with tenant_scope(tenant.id):
        with pytest.raises(DatabaseError), transaction.atomic():
            Environment.objects.create(tenant=other_tenant, slug="mine", name="Mine", kind="STAGING")
        assert Environment.objects.filter(id=theirs.id).update(name="taken") == 0
        assert Environment.objects.filter(id=theirs.id).delete()[0] == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            Environment.objects.update(tenant=other_tenant)


def test_raw_sql_joins_and_counts_see_no_more(tenant: Tenant, scope: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT t.id) FROM conductor_tenant t JOIN conductor_membership m ON true")
        assert cursor.fetchone() == (1,)


def test_a_failed_statement_inside_a_scope_does_not_leave_the_wall_open(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        with pytest.raises(DatabaseError), tenant_scope(other_tenant.id), connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM conductor_tenant")
        assert set(Tenant.objects.values_list("slug", flat=True)) == {"northwind"}


def test_the_setting_ends_with_its_transaction(committed: None, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        assert Membership.objects.count() == 4
    with transaction.atomic():
        assert Membership.objects.count() == 0


def test_psql_as_the_application_sees_nothing_without_a_tenant(committed: None, tenant: Tenant) -> None:
    """The owner counts rows; the application's role, asked the same way, counts none."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM conductor_membership")
        assert cursor.fetchone()[0] == 5
        cursor.execute(f"SET ROLE {APP_ROLE}")
        for model in _models():
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}"')
            assert cursor.fetchone() == (0,), model._meta.label
        cursor.execute("RESET ROLE")
