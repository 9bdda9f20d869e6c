"""/healthz: the process answers. /readyz: it can do its work. /metrics: what it counted."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.connection import Connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from conductor.lib.clock import now
from conductor.lib.database.role import complaint_about_role
from conductor.observability.readings import take_readings

BROKER_TIMEOUT_SECONDS = 2
READY_SECONDS, LOOK_SECONDS, KEPT_SECONDS = 1, 10, 30


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process can answer at all. Looks at nothing else, so that nothing else restarts it."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and broker are there, else 503 naming each that is not.

    Anybody may ask, so a process looks at most every READY_SECONDS, and one request at a time.
    """
    checks = _readiness()
    ready = all(outcome == "ok" for outcome in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text format. Needs `Authorization: Bearer <CONDUCTOR_METRICS_TOKEN>` where one is set."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("wrong or missing metrics token\n", status=401, content_type="text/plain")
    take_readings(now())
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _readiness() -> dict[str, str]:
    cache = caches["process"]
    found: tuple[float, dict[str, str]] | None = cache.get("readiness")
    if found and (time.monotonic() < found[0] or not cache.add("readiness-look", True, LOOK_SECONDS)):
        return found[1]
    checks = {name: _outcome(check) for name, check in _CHECKS.items()}
    cache.set("readiness", (time.monotonic() + READY_SECONDS, checks), KEPT_SECONDS)
    cache.delete("readiness-look")
    return checks


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - a health check reports every failure
        return f"{type(error).__name__}"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _role() -> None:
    """In production only: development may sign in as the owner and take the application's role from there."""
    if settings.PRODUCTION and (complaint := complaint_about_role(connection)):
        raise ImproperlyConfigured(complaint)


def _migrations() -> None:
    if caches["process"].get("migrations-complete"):
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are missing")
    caches["process"].set("migrations-complete", True, 3600)


def _broker() -> None:
    with Connection(settings.BROKER_URL, connect_timeout=BROKER_TIMEOUT_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)


_CHECKS = {"database": _database, "role": _role, "migrations": _migrations, "broker": _broker}
