"""One busy Northwind for all tests of a module, rolled back after them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.console.town import Town, build


@pytest.fixture(scope="module")
def _town(django_db_setup: None, django_db_blocker: Any) -> Iterator[Town]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


@pytest.fixture
def town(_town: Town, db: None) -> Town:
    """Northwind with incidents, runs, bundles and a graph of some size; what the test writes is rolled back."""
    return _town
