"""Fixtures that every test may use. tests/world.py says who is who."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, settings

from conductor.ledger.keys.keys import FileKeys
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from conductor.tenancy.rates import counters
from tests import database, faults, world
from tests.browsing import Browser, outside_scope
from tests.harness import counterparts

# How fast a busy machine draws examples is no property of the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


_UMASK = os.umask(0o022)
os.umask(_UMASK)


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """What one test leaves in the process, the next does not find: counted requests and sign-ins, and the umask.

    Serving processes close what they write to others (conductor.tenancy.serving); the suite's own is not one.
    """
    os.umask(_UMASK)
    caches["default"].clear()
    counters.forget()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Bring the programs that the test is marked with, or skip it."""
    for mark in item.iter_markers("counterpart"):
        counterparts.need(*mark.args)


def pytest_configure(config: pytest.Config) -> None:
    faults.register(config)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A migrated, peopled database of this process's own, reached as the application's role."""
    with django_db_blocker.unblock():
        database.create_clone()
    yield
    with django_db_blocker.unblock():
        database.drop_clone()


@pytest.fixture(scope="session", autouse=True)
def signing_keys() -> None:
    """Keys for the sequencer, in the suite's own home."""
    from django.conf import settings as conf

    FileKeys(conf.CONDUCTOR_KEYS_DIR).create()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For tests that need real commits, threads or processes: the database is made anew afterwards."""
    with django_db_blocker.unblock():
        yield
        for connection in connections.all():
            connection.close()
        database.create_clone()


@pytest.fixture
def now() -> datetime:
    return world.NOW


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> Tenant:
    """Northwind. Needs `db` or `committed`."""
    _needs_database(request)
    with tenant_scope(world.NORTHWIND):
        return Tenant.objects.get(id=world.NORTHWIND)


@pytest.fixture
def other_tenant(request: pytest.FixtureRequest) -> Tenant:
    """Globex. Needs `db` or `committed`."""
    _needs_database(request)
    with tenant_scope(world.GLOBEX):
        return Tenant.objects.get(id=world.GLOBEX)


@pytest.fixture
def scope(tenant: Tenant) -> Iterator[None]:
    """Run the test inside Northwind's scope."""
    with tenant_scope(tenant.id):
        yield


@pytest.fixture
def production(tenant: Tenant) -> Environment:
    with tenant_scope(tenant.id):
        return Environment.objects.get(slug="production")


def _person(name: str) -> Any:
    @pytest.fixture(name=f"{name}_" if name == "max" else name)
    def person(request: pytest.FixtureRequest) -> User:
        _needs_database(request)
        return User.objects.get(username=name)

    return person


ana, ben, cora, cleo, max_ = (_person(name) for name in world.PEOPLE)


@pytest.fixture
def actor(tenant: Tenant) -> Callable[..., Actor]:
    """`actor(ben)`: the person as an actor in Northwind; `actor(ben, channel="api")`."""

    def make(user: User, *, channel: str = "console", of: Tenant = tenant) -> Actor:
        with tenant_scope(of.id):
            found = actor_for_user(user=user, tenant=of, channel=channel)
        assert found is not None, f"{user} is a stranger to {of}"
        return found

    return make


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """`as_user(ben)`: a browser with Ben signed in."""

    def make(user: User) -> Client:
        client = Browser()
        with outside_scope():
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


def _needs_database(request: pytest.FixtureRequest) -> None:
    """Every test that touches people or tenants gets a rolled-back transaction, unless it asked for commits."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
