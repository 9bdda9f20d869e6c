"""What the database itself refuses, to the application's role and to the tables' owner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from psycopg.errors import InsufficientPrivilege

from conductor.ledger.models import Receipt
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import act, as_owner, logged

CHANGES = {
    "a body": "UPDATE conductor_receipt SET body = '{}'",
    "an actor": "UPDATE conductor_receipt SET actor_name = 'Nobody'",
    "a tenant": "UPDATE conductor_receipt SET tenant_id = gen_random_uuid()",
    "a number": "UPDATE conductor_receipt SET leaf_index = leaf_index + 100",
    "an envelope": "UPDATE conductor_receipt SET envelope = '{}'",
    "numbered receipts to pending ones": "UPDATE conductor_receipt SET leaf_index = NULL, leaf_hash = NULL, envelope = "
    "NULL, sequenced_at = NULL",
    "receipts away": "DELETE FROM conductor_receipt",
    "receipts away at once": "TRUNCATE conductor_receipt",
    "a note": "UPDATE conductor_checkpoint SET note = ''",
    "a frontier": "UPDATE conductor_checkpoint SET frontier = '[]'",
    "checkpoints away": "DELETE FROM conductor_checkpoint",
    "checkpoints away at once": "TRUNCATE conductor_checkpoint",
    "a tile's hashes": "UPDATE conductor_tile SET hashes = sha256('')",
    "a tile to a shorter one": "UPDATE conductor_tile SET hashes = substring(hashes FROM 1 FOR 32)",
    "a tile's place": "UPDATE conductor_tile SET number = 7",
    "a tile to a crooked one": "UPDATE conductor_tile SET hashes = hashes || 'x'",
    "tiles away": "DELETE FROM conductor_tile",
    "tiles away at once": "TRUNCATE conductor_tile",
}


@pytest.fixture
def ledger(committed: None, tenant: Tenant, now: datetime) -> Iterator[None]:
    logged(tenant, now, 3)
    act(tenant, now)
    yield


def refusal(cursor: Any, statement: str) -> BaseException | None:
    with pytest.raises(DatabaseError) as refused:
        cursor.execute(statement)
    return refused.value.__cause__


@pytest.mark.usefixtures("ledger")
def test_the_application_can_neither_change_nor_remove_what_was_recorded(tenant: Tenant) -> None:
    for name, statement in CHANGES.items():
        with tenant_scope(tenant.id), transaction.atomic():
            sid = transaction.savepoint()
            cause = refusal(connections["default"].cursor(), statement)
            transaction.savepoint_rollback(sid)
        assert isinstance(cause, InsufficientPrivilege), f"{name}: {cause!r}"


@pytest.mark.usefixtures("ledger")
def test_the_owner_is_refused_too_as_long_as_the_triggers_stand() -> None:
    for name, statement in CHANGES.items():
        with connections["owner"].cursor() as cursor:
            cause = refusal(cursor, statement)
        assert isinstance(cause, InsufficientPrivilege), f"{name}: {cause!r}"


@pytest.mark.usefixtures("ledger")
def test_the_sequencer_s_columns_are_filled_once_and_together(tenant: Tenant, now: datetime) -> None:
    whole = "UPDATE conductor_receipt SET leaf_index = 3, leaf_hash = 'h', envelope = '{}', sequenced_at = now()"
    waiting = " WHERE leaf_index IS NULL"
    others = [
        "UPDATE conductor_receipt SET leaf_index = 3" + waiting,
        whole + ", body = '{}'" + waiting,
        whole + ", recorded_at = now()" + waiting,
    ]
    for role in ("default", "owner"):
        for statement in others:
            with pytest.raises(DatabaseError), tenant_scope(tenant.id), transaction.atomic(using=role):
                connections[role].cursor().execute(statement)

    with tenant_scope(tenant.id), connections["default"].cursor() as cursor:
        cursor.execute(whole + waiting)
        assert cursor.rowcount == 1
    with pytest.raises(DatabaseError, match="numbered once"), tenant_scope(tenant.id), transaction.atomic():
        connections["default"].cursor().execute(whole + " WHERE leaf_index = 3")


@pytest.mark.usefixtures("ledger")
def test_a_pending_receipt_cannot_be_withdrawn(tenant: Tenant) -> None:
    for role in ("default", "owner"):
        with pytest.raises(DatabaseError), tenant_scope(tenant.id), transaction.atomic(using=role):
            connections[role].cursor().execute("DELETE FROM conductor_receipt WHERE leaf_index IS NULL")
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(leaf_index=None).count() == 1


def test_the_application_s_role_holds_no_more_rights_than_it_needs(db: None) -> None:
    rights = """
        SELECT privilege_type FROM information_schema.table_privileges
        WHERE grantee = 'conductor_app' AND table_name = %s ORDER BY 1
    """
    columns = """
        SELECT column_name FROM information_schema.column_privileges
        WHERE grantee = 'conductor_app' AND table_name = %s AND privilege_type = 'UPDATE' ORDER BY 1
    """
    expected = {
        "conductor_receipt": ["envelope", "leaf_hash", "leaf_index", "sequenced_at"],
        "conductor_checkpoint": [],
        "conductor_tile": ["hashes"],
        "conductor_signingkey": ["compromised_from", "valid_to"],
    }
    with connections["default"].cursor() as cursor:
        for table, changeable in expected.items():
            cursor.execute(rights, [table])
            assert [row[0] for row in cursor.fetchall()] == ["INSERT", "SELECT"], table
            cursor.execute(columns, [table])
            assert [row[0] for row in cursor.fetchall()] == changeable, table


def test_an_owner_who_switches_triggers_off_can_change_rows_which_is_why_they_are_signed(
    committed: None, tenant: Tenant, now: datetime
) -> None:
    logged(tenant, now, 1)
    with as_owner() as cursor:
        cursor.execute("UPDATE conductor_receipt SET actor_name = 'Nobody'")
        assert cursor.rowcount == 1
