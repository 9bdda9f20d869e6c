"""Too many tries are counted by all processes together (docs/decisions/0044)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connection, connections
from django.test import Client

from conductor import settings as product
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

BEN = {"login": "ben@example.test", "password": "ben-password"}
TRY = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.test import Client
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.ALLOWED_HOSTS = ["testserver"]
answers = []
for password in sys.argv[2:]:
    answer = Client().post("/accounts/login/", {"login": "ben@example.test", "password": password})
    answers.append([answer.status_code, "Too many failed login attempts" in answer.content.decode()])
print(json.dumps(answers))
"""


@pytest.fixture
def shared(committed: None, settings: Any) -> None:
    """The product's own caches in place of the suite's."""
    settings.CACHES = product.CACHES


def _elsewhere(*passwords: str) -> list[list[Any]]:
    """Try the passwords one after the other in a process of its own; return status and whether it was throttled."""
    command = [sys.executable, "-c", TRY, connection.settings_dict["NAME"], *passwords]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "conductor.settings"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, cwd=django_settings.BASE_DIR)
    assert done.returncode == 0, done.stderr
    answers: list[list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_two_processes_count_together(shared: None, tenant: Tenant) -> None:
    assert _elsewhere("wrong", "wrong", "wrong") == [[200, False]] * 3
    for _ in range(2):
        Client().post("/accounts/login/", {**BEN, "password": "wrong"})

    here = Client().post("/accounts/login/", BEN)
    assert "Too many failed login attempts" in here.content.decode()
    assert _elsewhere("ben-password") == [[200, True]]


def test_tries_at_the_same_moment_are_all_counted(shared: None, tenant: Tenant) -> None:
    def attempt(_: int) -> None:
        try:
            Client().post("/accounts/login/", {**BEN, "password": "wrong"})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(attempt, range(5)))

    assert "Too many failed login attempts" in Client().post("/accounts/login/", BEN).content.decode()


def test_no_tenants_scope_shows_the_counters(shared: None, tenant: Tenant, count: Callable[[], int]) -> None:
    caches["default"].set("walls", "of nobody")

    assert count() == 1
    with tenant_scope(tenant.id):
        assert count() == 0
        assert caches["default"].get("walls") is None
    assert caches["default"].get("walls") == "of nobody"


@pytest.fixture
def count() -> Callable[[], int]:
    def counted() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM conductor_cache")
            return int(cursor.fetchone()[0])

    return counted
