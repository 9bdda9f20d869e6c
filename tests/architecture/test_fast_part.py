"""The quick part of the suite holds what it says, and none of the modules that it names has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import fast

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", sorted(fast.WITH_DATABASE | fast.SLOW))
def test_a_module_that_the_quick_part_names_exists(name: str) -> None:
    assert len(list(TESTS.rglob(name))) == 1


def test_a_test_without_a_database_is_quick(request: pytest.FixtureRequest) -> None:
    assert fast.is_fast(request.node)


def test_a_test_with_a_database_is_not(request: pytest.FixtureRequest, db: None) -> None:
    assert not fast.is_fast(request.node)


@pytest.mark.counterpart("openssl")
def test_a_test_that_needs_a_counterpart_is_not(request: pytest.FixtureRequest) -> None:
    assert not fast.is_fast(request.node)
