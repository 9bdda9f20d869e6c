"""The reference of adapters names every kind, setting, secret and code that the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from adapters import registry

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/reference/adapters.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}


def _codes() -> set[str]:
    """Return every `code="…"` and `code = "…"` in the app, with `<…>` where a part of it is computed."""
    found = set()
    for path in (ROOT / "adapters").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            value = None
            if (isinstance(node, ast.keyword) and node.arg == "code") or (
                isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == ["code"]
            ):
                value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                found.add(value.value)
    return found


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_kind_has_its_section_with_each_setting_and_secret(kind: str) -> None:
    section = SECTIONS[registry.KINDS[kind].docs]
    loaded = registry.kind(kind).load()

    for model in (loaded.config_model, loaded.secrets_model):
        for name in model.model_fields:
            assert f"\n| `{name}` |" in section, f"{kind}: {name} is not explained"
    rows = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert sorted(rows) == sorted([*loaded.config_model.model_fields, *loaded.secrets_model.model_fields])


def test_every_code_is_explained() -> None:
    codes = _codes()

    assert {"timeout", "skew", "adapter_in_use"} <= codes
    assert not {code for code in codes if f"`{code}`" not in TEXT}
