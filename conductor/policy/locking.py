"""From the check to the act a tenant's rules stay as they were: what was allowed by them is done under them.

Who decides holds the rules (shared) until its transaction ends, so together with the act. Who exchanges them waits for
that (exclusive). So an act is committed either before an exchange, under the old rules, or is decided by the new ones.
"""

from __future__ import annotations

from uuid import UUID

from django.db import OperationalError, connection, transaction

from conductor.lib.errors import Conflict

_KEY = "hashtextextended(%s, 0)"
WAIT_SECONDS = 5
"""How long an exchange waits for acts that were decided under the old rules; others decide nothing meanwhile."""


class PolicyBusy(Conflict):
    """Something that was decided under the present rules is still being done. Try again in a moment."""

    code = "policy_busy"


def hold_rules(tenant_id: UUID) -> None:
    """Keep the tenant's rules as they are until the transaction ends. Needs a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_KEY})", [_name(tenant_id)])


def exchange_rules(tenant_id: UUID) -> None:
    """Wait until nobody holds the tenant's rules, and keep others from it until the transaction ends.

    Raise PolicyBusy after WAIT_SECONDS. Needs a transaction.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_SECONDS}s"])
            cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})", [_name(tenant_id)])
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise PolicyBusy from error


def _name(tenant_id: UUID) -> str:
    return f"policy:{tenant_id}"
