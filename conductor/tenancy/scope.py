"""The tenant's transaction. Outside of it the application's role sees no row of any tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction

from conductor.tenancy.viewing import same_viewer

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
    before = _current.get()
    with transaction.atomic():
        _announce(tenant_id)
        token = _current.set(tenant_id)
        try:
            with same_viewer():
                yield
        finally:
            _current.reset(token)
            # A failed statement leaves the savepoint to be rolled back, which restores the setting as well.
            if not connection.needs_rollback and before != tenant_id:
                _announce(before)


def _announce(tenant_id: UUID | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id or "")])
