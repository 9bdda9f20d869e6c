"""How a process that serves starts: within limits, and in production only if that is safe (docs/decisions/0090)."""

from __future__ import annotations

import os
import sys
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from conductor.lib.database.role import complaint_about_role
from conductor.observability.tracing import start_tracing
from conductor.tenancy.database.limits import hold_to

UNSAFE_EXIT = 78
"""EX_CONFIG of sysexits.h: starting again does not help, other settings do."""
_log = structlog.get_logger(__name__)


class UnsafeRole(ImproperlyConfigured):
    """Row-level security does not hold the role that this process has in the database."""


def serve_as(process: str) -> None:
    """Hold this process to the limits of `web` or `worker`, if such there are, and refuse an unsafe start.

    In production a process ends here with every reason on its standard error. A database that is away is no reason:
    its role is looked at on every connection that is opened from now on, and one of a wrong role is closed at once.
    """
    os.umask(0o077)  # what it writes, nobody else on the machine reads
    start_tracing(process)
    if process in settings.DATABASE_LIMITS:
        hold_to(process)
    if not settings.PRODUCTION:
        return
    connection_created.connect(_refuse_unsafe_role, dispatch_uid="conductor.refuse_unsafe_role")
    if reasons := [*_unsafe_settings(), *_unsafe_database()]:
        for reason in reasons:
            # Not through the log, whose level and form are settings too.
            sys.stderr.write(f"The {process} process does not start: {reason}\n")
        sys.stderr.flush()
        raise SystemExit(UNSAFE_EXIT)


def _unsafe_settings() -> list[str]:
    found = checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True)
    reasons = [f"{each.id}: {each.msg}" for each in found if each.level >= checks.ERROR and not each.is_silenced()]
    if "owner" in settings.DATABASES:
        reasons.append(
            "DATABASE_URL, the address of the tables' owner, is in its environment. Only manage.py migrate needs it."
        )
    return reasons


def _unsafe_database() -> list[str]:
    """Why the database must not be used as it was signed in to. Leaves no connection open: workers fork."""
    try:
        connection.ensure_connection()
    except UnsafeRole as refused:
        return [str(refused)]
    except (InterfaceError, OperationalError):
        _log.warning("the database is away; its role is looked at once it answers", action="process.started")
    finally:
        connection.close()
    return []


def _refuse_unsafe_role(sender: Any, connection: BaseDatabaseWrapper, **_others: Any) -> None:
    if connection.alias != "default":
        return
    if complaint := complaint_about_role(connection):
        connection.close()
        raise UnsafeRole(f"{complaint}: row-level security would not hold it. Sign in as conductor_app.")
