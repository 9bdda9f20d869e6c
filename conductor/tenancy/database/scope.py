"""The tenant's transaction. Outside of it the application's role sees no row of any tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction

from conductor.tenancy.database.limits import limits
from conductor.tenancy.database.viewing import same_viewer

_current: ContextVar[UUID | None] = ContextVar("conductor_tenant", default=None)

SETTING = "conductor.tenant_id"
"""The transaction-local PostgreSQL setting that the row-level policies compare with."""


def current_tenant_id() -> UUID | None:
    """Return the tenant whose scope is open in this thread or task, if any."""
    return _current.get()


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Open a transaction (or a savepoint in one) that sees the rows of `tenant_id` and of no other.

    Leaving restores the scope that was open before. An exception rolls back what happened inside.
    """
    before, is_outermost = _current.get(), not connection.in_atomic_block
    with transaction.atomic():
        _announce(tenant_id, **({} if before else limits()))
        token = _current.set(tenant_id)
        try:
            with same_viewer():
                yield
        finally:
            _current.reset(token)
        # The end of the transaction takes the setting back; so does a rollback, and no exception comes here.
        if not (is_outermost or connection.needs_rollback or before == tenant_id):
            _announce(before)


@contextmanager
def snapshot_scope(tenant_id: UUID) -> Iterator[None]:
    """A tenant's scope whose queries all see the same moment, whatever others commit meanwhile.

    For reading what must fit together, such as a log and its tiles. Inside of another transaction it is a plain scope.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with tenant_scope(tenant_id):
            yield


def _announce(tenant_id: UUID | None, **also: str) -> None:
    """Set the tenant, and whatever else holds until the transaction ends, in one query."""
    settings = {SETTING: str(tenant_id or ""), **also}
    calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", [each for setting in settings.items() for each in setting])
