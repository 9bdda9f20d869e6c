"""How long a session may hold others up, as PostgreSQL's settings of those names."""

from __future__ import annotations


def database_limits(*, idle: str | int, lock: str | int, statement: str | int) -> dict[str, str]:
    """Return the settings for these seconds. 0 leaves what the server or the role says.

    idle: of an open transaction that says nothing (its session is ended); lock: of waiting for one lock;
    statement: of one statement.
    """
    seconds = {
        "idle_in_transaction_session_timeout": idle,
        "lock_timeout": lock,
        "statement_timeout": statement,
    }
    return {name: f"{int(value)}s" for name, value in seconds.items() if int(value)}
