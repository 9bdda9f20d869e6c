"""docs/reference/policies.md says what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

from conductor.policy import decisions
from conductor.policy.bundle import policy_bundle
from conductor.policy.inputs import RESOURCES, Context, Resource, Subject

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/policies.md").read_text(encoding="utf-8")


def test_every_reason_code_is_explained_and_none_is_invented() -> None:
    in_rules = {code for text in policy_bundle().files.values() for code in re.findall(r'"code": "(\w+)"', text)}
    in_python = {decisions.INPUT_INVALID, decisions.ENGINE_ERROR, decisions.RECORD_FAILED}
    in_python |= {decisions.TENANT_RULES_FAILED, "not_allowed"}

    explained = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))

    assert explained == in_rules | in_python


def test_every_action_and_its_attributes_are_listed() -> None:
    for action, shape in RESOURCES.items():
        section = PAGE.partition(f"### {action}\n")[2].partition("\n##")[0]
        own = set(shape.model_fields) - set(Resource.model_fields)
        assert [name for name in sorted(own) if f"`{name}`" not in section] == []


def test_the_shared_attributes_are_listed() -> None:
    parts = {"subject": Subject, "resource": Resource, "context": Context}
    names = [f"{part}.{name}" for part, shape in parts.items() for name in shape.model_fields]

    assert [name for name in names if f"`{name}`" not in PAGE] == []
