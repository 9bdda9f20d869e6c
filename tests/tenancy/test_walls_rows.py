"""The walk through all tables: one row of Globex, and everything Northwind's session may try on it.

As the application's role in Northwind's scope, by the ORM and by SQL. A new model is walked as soon as it exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, models, transaction
from django.db.models import Count, Model

from chatops.models.workspace import SlackInstallation
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant
from tests.tenancy import rows

MODELS = rows.tenant_models()
KEYS = [(model, key) for model in MODELS for key in rows.keys_of(model)]
ONE_PER_INSTALLATION = {
    SlackInstallation: "a workspace speaks for one tenant only, and Slack's requests name nothing but the workspace",
}
"""Tables with a value that may exist once in the whole installation, so that taking it tells that it is taken."""

by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
by_key = pytest.mark.parametrize(("model", "key"), KEYS, ids=lambda each: getattr(each, "attname", "") or each.__name__)


@pytest.fixture
def people(db: None) -> None:
    rows.prepare_people()


@pytest.fixture
def inside(people: None, tenant: Tenant) -> Iterator[Tenant]:
    with tenant_scope(tenant.id):
        yield tenant


def _theirs(model: type[Model], other: Tenant) -> Model:
    with tenant_scope(other.id):
        return rows.make(model, other)


def _mine(target: type[Model], inside: Tenant) -> set[Any]:
    """The keys that Northwind's own rows have, asked for as such."""
    if target is User:
        return set(Membership.ever.filter(tenant=inside).values_list("user_id", flat=True))
    return set(target._base_manager.filter(tenant=inside).values_list("pk", flat=True))


def _ask(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def _refusal(statement: Any) -> str:
    """Run the statement and every deferred check; return the database's words, with ids and values taken out."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        statement()
        _ask("SET CONSTRAINTS ALL IMMEDIATE")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\(\d+\)|, \d+\)", "…", str(caught.value))


@by_model
def test_nothing_of_theirs_can_be_read_or_counted(model: type[Model], inside: Tenant, other_tenant: Tenant) -> None:
    theirs = _theirs(model, other_tenant)
    mine = rows.make(model, inside)
    table = model._meta.db_table
    everything = model._base_manager

    assert everything.filter(pk=mine.pk).exists()
    assert not everything.filter(pk=theirs.pk).exists()
    assert not everything.filter(tenant=other_tenant).exists()
    assert everything.aggregate(tenants=Count("tenant_id", distinct=True)) == {"tenants": 1}
    assert _ask(f'SELECT count(*) FILTER (WHERE tenant_id <> %s) FROM "{table}"', inside.id) == [(0,)]
    assert _ask(f'SELECT 1 FROM "{table}" WHERE id = %s', theirs.pk) == []
    assert _ask(f'SELECT (SELECT count(*) FROM "{table}" WHERE id = %s)', theirs.pk) == [(0,)]


@by_model
def test_nothing_of_theirs_can_be_changed_taken_or_planted(
    model: type[Model], inside: Tenant, other_tenant: Tenant
) -> None:
    theirs = _theirs(model, other_tenant)
    mine = rows.make(model, inside)
    table = model._meta.db_table
    with tenant_scope(other_tenant.id):
        before = _ask(f'SELECT t::text FROM "{table}" t WHERE id = %s', theirs.pk)

    for statement in ("UPDATE {} SET id = id WHERE id = %s", "DELETE FROM {} WHERE id = %s"):
        try:
            with transaction.atomic():
                assert _ask(statement.format(f'"{table}"'), theirs.pk) == [(0,)]
        except ProgrammingError as refused:
            assert "permission denied" in str(refused)  # append-only: nobody's row, theirs or ours
    assert _refusal(lambda: _ask(f'UPDATE "{table}" SET tenant_id = %s WHERE id = %s', other_tenant.id, mine.pk))
    planted = rows.build(model, inside)
    planted.tenant = other_tenant  # type: ignore[attr-defined]
    assert "row-level security" in _refusal(lambda: planted.save(force_insert=True))
    with tenant_scope(other_tenant.id):
        assert _ask(f'SELECT t::text FROM "{table}" t WHERE id = %s', theirs.pk) == before


@by_key
def test_no_join_leads_to_them(
    model: type[Model], key: models.ForeignKey[Any, Any], inside: Tenant, other_tenant: Tenant
) -> None:
    _theirs(model, other_tenant)
    rows.make(model, inside)
    target = key.related_model

    assert set(model._base_manager.values_list(f"{key.name}__pk", flat=True)) <= {*_mine(target, inside), None}
    both = _ask(
        f'SELECT near.tenant_id, far.id FROM "{model._meta.db_table}" near '
        f'FULL JOIN "{target._meta.db_table}" far ON far.id = near."{key.column}"'
    )
    assert {near for near, _ in both} <= {inside.id, None}
    assert {far for _, far in both} <= {*_mine(target, inside), None}


@by_key
def test_no_key_of_ours_can_name_a_row_of_theirs_nor_tell_whether_it_exists(
    model: type[Model], key: models.ForeignKey[Any, Any], inside: Tenant, other_tenant: Tenant
) -> None:
    if model is Membership:
        pytest.skip("a membership is what makes a person a tenant's; conductor.tenancy.lifecycle alone makes one")
    with tenant_scope(other_tenant.id):
        is_person = key.related_model is User
        theirs = rows.person_of(other_tenant) if is_person else rows.make(key.related_model, other_tenant)
    nobodys = 2_000_000_000 if is_person else UUID(int=7)

    def insert(named: object) -> str:
        row = rows.build(model, inside, **rows.WITH_KEY.get(f"{model._meta.label}.{key.name}", {}))
        setattr(row, key.attname, named)
        return _refusal(lambda: row.save(force_insert=True))

    refused = insert(theirs.pk)
    assert "is not present in table" in refused
    assert refused == insert(nobodys)


@by_model
def test_the_same_values_in_two_tenants_do_not_collide(
    model: type[Model], inside: Tenant, other_tenant: Tenant
) -> None:
    theirs = _theirs(model, other_tenant)
    own = {"id", "tenant"} | {key.name for key in rows.keys_of(model)}
    same = {field.name: getattr(theirs, field.name) for field in model._meta.concrete_fields if field.name not in own}

    if model in ONE_PER_INSTALLATION:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.make(model, inside, **same)
        return
    assert rows.make(model, inside, **same).pk != theirs.pk


@by_model
def test_without_a_scope_a_table_is_empty_and_takes_nothing(
    model: type[Model], people: None, tenant: Tenant, other_tenant: Tenant
) -> None:
    with tenant_scope(tenant.id):
        rows.make(model, tenant)
        homeless = rows.build(model, tenant)

    assert model._base_manager.count() == 0
    assert _ask(f'SELECT count(*) FROM "{model._meta.db_table}"') == [(0,)]
    assert "row-level security" in _refusal(lambda: homeless.save(force_insert=True))
