"""What the role of a database session may do: PostgreSQL is asked, no setting is believed."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_POWERS = """
    WITH reachable AS (SELECT * FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER'))
    SELECT session_user,
        (SELECT bool_or(rolsuper) FROM reachable),
        (SELECT bool_or(rolbypassrls) FROM reachable),
        (SELECT bool_or(rolcreaterole) FROM reachable),
        EXISTS (SELECT FROM pg_class JOIN reachable ON reachable.oid = relowner WHERE relrowsecurity)
"""
"""Of the role that signed in: SET ROLE and `-c role=` can be reset, and a pooler may have lost them."""


def complaint_about_role(connection: BaseDatabaseWrapper) -> str:
    """Return why row-level security would not hold the role of this session, or nothing if it would.

    A role that is a member of another one can become it, so the powers of all of those count.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POWERS)
        role, superuser, bypasses, creates_roles, owns = cursor.fetchone()
    if superuser:
        return f"the database role {role} is a superuser, or may become one"
    if bypasses:
        return f"the database role {role} has BYPASSRLS, or may become a role that has it"
    if creates_roles:
        return f"the database role {role} has CREATEROLE, or may become a role that has it"
    if owns:
        return f"the database role {role} owns the tables, or may become their owner"
    return ""
