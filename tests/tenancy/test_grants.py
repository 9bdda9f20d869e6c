"""What the application's role may write of what all tenants share: the catalogue is asked, and the role tries."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections, transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from conductor.celery import app
from conductor.metering.models import PriceBook
from conductor.tenancy.database.rls import APP_ROLE
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.tenancy.test_walls_schema import SHARED
from tests.world import NOW

pytestmark = pytest.mark.fault("security-11")

WRITTEN = {
    "conductor_policybundle": "INSERT",  # the built-in rules of a new release, when first used
    "conductor_pricebook": "INSERT",  # an operator's command; what is priced keeps its price
    "conductor_signingkey": "INSERT, UPDATE (compromised_from, valid_to)",  # the sequencer registers and ends keys
    "django_celery_beat_crontabschedule": "INSERT, UPDATE",
    "django_celery_beat_intervalschedule": "INSERT, UPDATE",
    "django_celery_beat_periodictask": "INSERT, UPDATE",  # beat
    "django_celery_beat_periodictasks": "INSERT, UPDATE",
}
"""Of the tables that no row-level security holds; all others are read only."""


def test_of_shared_tables_the_role_writes_what_is_written_at_run_time_alone(db: None) -> None:
    found = {}
    for table in SHARED:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT privilege "
                "FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) "
                "AS asked (privilege) "
                "WHERE has_table_privilege(%s, %s, privilege)",
                [APP_ROLE, table],
            )
            held = [row[0] for row in cursor.fetchall()]
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                "AND has_column_privilege(%s, attrelid, attnum, 'UPDATE') ORDER BY attname",
                [table, APP_ROLE],
            )
            columns = [row[0] for row in cursor.fetchall()]
        if columns and "UPDATE" not in held:
            held.append(f"UPDATE ({', '.join(columns)})")
        if held:
            found[table] = ", ".join(held)

    assert found == WRITTEN


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM django_migrations",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('conductor', '9999_more', now())",
        "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT min(u.id), min(p.id) "
        "FROM auth_user u, auth_permission p",
        "UPDATE conductor_pricebook SET unit_price = 0",
        "DELETE FROM conductor_pricebook",
        "DELETE FROM django_celery_beat_periodictask",
        "UPDATE auth_user SET is_superuser = true WHERE username = 'ben'",
        "UPDATE auth_user SET is_staff = true WHERE username = 'ben'",
        "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email, "
        "date_joined) VALUES ('eve', '', true, false, true, '', '', '', now())",
    ],
)
@pytest.mark.parametrize("scoped", [True, False], ids=["in a scope", "without one"])
def test_the_role_is_refused(tenant: Tenant, statement: str, scoped: bool) -> None:
    def attempt() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        if scoped:
            with tenant_scope(tenant.id):
                attempt()
        else:
            attempt()
    assert getattr(refused.value.__cause__, "sqlstate", "") == "42501"


def test_people_are_still_made_and_changed(tenant: Tenant, ben: User) -> None:
    ben.first_name = "Benedict"
    ben.save()
    User.objects.create_user("dora", "dora@example.test", "a-long-password")

    assert User.objects.get(username="ben").first_name == "Benedict"


def test_a_price_may_be_added(db: None) -> None:
    PriceBook.objects.create(meter="incidents.role_seconds", unit_price="0.01", currency="USD", valid_from=NOW)


def test_beat_writes_its_rhythm_and_when_a_task_has_run(committed: None) -> None:
    scheduler = DatabaseScheduler(app=app)
    entries = scheduler.all_as_schedule()
    assert {f"{name}" for name in app.conf.beat_schedule} <= set(entries)

    next(entries["sweep-runs"])
    entries["sweep-runs"].save()
    assert PeriodicTask.objects.get(name="sweep-runs").total_run_count == 1


@pytest.mark.parametrize(
    "given",
    [
        {"args": '["x"]'}, {"kwargs": '{"a": 1}'}, {"headers": '{"a": 1}'}, {"queue": "other"},
        {"exchange": "other"}, {"routing_key": "other"},
    ],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_no_task_is_put_into_the_timetable_with_words_of_ones_own(db: None, given: dict[str, Any]) -> None:
    every = IntervalSchedule.objects.create(every=7, period="seconds")

    with pytest.raises(DatabaseError, match="the timetable names tasks alone"), transaction.atomic():
        PeriodicTask.objects.create(name="mine", task="conductor.sweep_runs", interval=every, **given)
    PeriodicTask.objects.create(name="mine", task="conductor.sweep_runs", interval=every)
    with pytest.raises(DatabaseError, match="the timetable names tasks alone"), transaction.atomic():
        PeriodicTask.objects.filter(name="mine").update(**given)


@pytest.mark.parametrize(
    "call", ["lo_create(0)", "lo_creat(-1)", "lo_from_bytea(0, 'x')", "lo_put(1, 0, 'x')", "lowrite(0, 'x')"]
)
def test_the_role_keeps_no_large_objects(db: None, call: str) -> None:
    owner = connections["owner"].settings_dict["USER"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [owner])
        if cursor.fetchone() != (True,):
            pytest.skip("only a superuser can take them away (docs/how-to/production.md)")

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {call}")
