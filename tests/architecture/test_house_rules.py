"""Rules of the house that no linter knows: sizes, names, foreign keys, layout."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("conductor", "adapters", "incidents", "controls", "evidence", "chatops")
TOP = {
    "manage.py", "pyproject.toml", "conductor", "incidents", "evidence", "controls", "adapters", "chatops", "templates",
    "static", "tests", "perf", "docs", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
    "Makefile", "Dockerfile", "compose.yaml", "requirements.lock", "requirements-dev.lock",
}  # fmt: skip
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "core.py", "services.py"}
STANDALONE = {"evidence/pack_format/verify.py"}
"""One file by design: it is copied into every pack and runs alone (docs/decisions/0010)."""
FILE_LINES, FUNCTION_LINES = 400, 60


def _sources() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text()
    name = str(path.relative_to(ROOT))

    assert path.name not in FORBIDDEN_NAMES
    assert name in STANDALONE or len(source.splitlines()) <= FILE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{name}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    source = path.read_text()
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), f"{path} has no docstring"


def test_the_top_level_is_as_given() -> None:
    tracked = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert tracked - TOP <= {"dist", "var", "staticfiles", "node_modules"}


def _models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]


@pytest.mark.parametrize("model", _models(), ids=lambda model: model._meta.label)
def test_keys_that_leave_an_app_are_hidden_from_the_other_side(model: type[models.Model]) -> None:
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey):
            leaves = field.related_model._meta.app_label != model._meta.app_label
            hidden = field.remote_field.related_name == "+"
            assert hidden or not leaves, f"{model._meta.label}.{field.name} shows itself in another app"


@pytest.mark.parametrize("model", _models(), ids=lambda model: model._meta.label)
def test_times_are_named_at_and_digests_are_named_digest(model: type[models.Model]) -> None:
    for field in model._meta.get_fields():
        if isinstance(field, models.DateTimeField):
            assert field.name.endswith(("_at", "_from", "_to", "at", "since")), f"{model._meta.label}.{field.name}"
