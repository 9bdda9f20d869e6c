"""When the database cuts a session or lets nobody through: what passes by itself, and what a door says of it."""

from __future__ import annotations

from django.db import Error, InterfaceError, InternalError, OperationalError, connections

from conductor.lib.errors import Conflict, Refused

BUSY = {"55P03", "40P01", "40001"}
"""lock_not_available, deadlock_detected, serialization_failure."""
TOO_LONG = {"57014"}
"""query_canceled: the statement ran into its limit."""
CUT = {"25P03", "25P04", "25006"}
"""The two limits of a transaction, and a server that only reads since another one was promoted."""


class DatabaseBusy(Conflict):
    """Somebody else holds what this needs, and does not let go of it. Nothing was changed: try again in a moment."""

    code = "database_busy"


class DatabaseTooSlow(Refused):
    """The database took too long over this. Nothing was changed: ask for less, or try again later."""

    code = "database_too_slow"
    status = 503


class DatabaseAway(Refused):
    """The database was away for a moment. Look whether your change is there, and make it again if it is not."""

    code = "database_away"
    status = 503


def is_passing(error: BaseException) -> bool:
    """Return whether trying again can help, on another connection: nothing is wrong with what was asked."""
    return isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, InternalError) and _sqlstate(error) in CUT
    )


def refusal_of(error: BaseException | None) -> Refused | None:
    """Return what to tell whoever asked; None for an error that is a fault."""
    if error is None or not is_passing(error):
        return None
    state = _sqlstate(error)
    if state in BUSY:
        return DatabaseBusy()
    return DatabaseTooSlow() if state in TOO_LONG else DatabaseAway()


def start_afresh() -> None:
    """Close this thread's connections: the next query opens one that can be trusted."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def _sqlstate(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, Error) else None
    return getattr(cause, "sqlstate", None) or ""
