"""Holds messages and views to Slack's limits: the SDK's validation, Slack's types as JSON Schema, lengths beside them.

The lengths and counts are those of Slack's Block Kit reference; the schema, derived from Slack's types, has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from slack_sdk.models.blocks import Block

SPECS = Path(__file__).resolve().parents[3] / "shared" / "data" / "specs"
SCHEMA = SPECS / "slack-block-kit.schema.json"
DEFINITIONS = {
    "section": "SectionBlock",
    "context": "ContextBlock",
    "actions": "ActionsBlock",
    "header": "HeaderBlock",
    "divider": "DividerBlock",
    "input": "InputBlock",
}
"""The blocks that we use, by their names in Slack's types."""
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
TOP_TEXT = 4000
IDS = {"block_id": 255, "action_id": 255, "callback_id": 255, "external_id": 255, "private_metadata": 3000}
ELEMENT_TEXTS = {"text": 75, "value": 2000, "url": 3000, "placeholder": 150, "initial_value": 3000}
OPTION_TEXTS = {"text": 75, "description": 75, "value": 150}
CONFIRM_TEXTS = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
VIEW_TEXTS = {"title": 24, "submit": 24, "close": 24}


def utf16_length(text: str) -> int:
    """Return the length as JavaScript, and therefore Slack, counts it."""
    return len(text.encode("utf-16-le")) // 2


def check_message(message: dict[str, Any]) -> None:
    """Fail unless Slack takes the message, be it an answer or one that is posted."""
    assert message.get("response_type", "ephemeral") in {"in_channel", "ephemeral"}
    assert 0 < utf16_length(message["text"]) <= TOP_TEXT
    check_blocks(message["blocks"], most=MESSAGE_BLOCKS)
    assert not [block for block in message["blocks"] if block["type"] == "input"]


def check_view(view: dict[str, Any]) -> None:
    """Fail unless Slack takes the view: a modal or a Home tab."""
    _texts(view, VIEW_TEXTS)
    _ids(view)
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    if view["type"] == "modal":
        assert view["title"]["text"]
        assert not inputs or view["submit"], "a modal with inputs needs a submit button"
    else:
        assert view["type"] == "home"
        assert not inputs
    check_blocks(view["blocks"], most=VIEW_BLOCKS)


def check_blocks(blocks: list[dict[str, Any]], *, most: int) -> None:
    """Fail unless the blocks are as many as allowed, told apart by their ids, and each valid."""
    assert 0 < len(blocks) <= most
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    for block in blocks:
        check_block(block)


def check_block(block: dict[str, Any]) -> None:
    """Fail unless the block is one that we use, valid for the SDK, and within its lengths."""
    assert block["type"] in DEFINITIONS, f"no limits are known here for {block['type']}"
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.validate_json()
    _ids(block)
    {
        "section": _section,
        "context": _context,
        "actions": _actions,
        "header": lambda block: _texts(block, {"text": 150}),
        "divider": lambda block: None,
        "input": _input,
    }[block["type"]](block)


def _section(block: dict[str, Any]) -> None:
    _texts(block, {"text": 3000})
    assert block.get("text") or block.get("fields")
    assert len(block.get("fields", [])) <= 10
    assert all(0 < utf16_length(field["text"]) <= 2000 for field in block.get("fields", []))
    if "accessory" in block:
        _element(block["accessory"])


def _context(block: dict[str, Any]) -> None:
    assert 0 < len(block["elements"]) <= 10
    assert all(0 < utf16_length(element["text"]) <= 2000 for element in block["elements"])


def _actions(block: dict[str, Any]) -> None:
    assert 0 < len(block["elements"]) <= 25
    ids = [element["action_id"] for element in block["elements"]]
    assert len(ids) == len(set(ids))
    for element in block["elements"]:
        _element(element)


def _input(block: dict[str, Any]) -> None:
    _texts(block, {"label": 2000, "hint": 2000})
    assert block["label"]["text"]
    _element(block["element"])


def _element(element: dict[str, Any]) -> None:
    _ids(element)
    _texts(element, ELEMENT_TEXTS)
    options = element.get("options", [])
    assert "options" not in element or 0 < len(options) <= 100
    values = [option["value"] for option in options]
    assert len(values) == len(set(values)), "two options have the same value"
    for option in options:
        _texts(option, OPTION_TEXTS)
        assert option["text"]["text"]
    if "initial_option" in element:
        assert element["initial_option"] in options, "the initial option is none of the options"
    if "confirm" in element:
        _texts(element["confirm"], CONFIRM_TEXTS)


def _ids(given: dict[str, Any]) -> None:
    for name, most in IDS.items():
        assert utf16_length(given.get(name) or "") <= most, f"{name} is longer than {most}"


def _texts(given: dict[str, Any], limits: dict[str, int]) -> None:
    for name, most in limits.items():
        text = given.get(name)
        text = text["text"] if isinstance(text, dict) else text
        assert text is None or 0 < utf16_length(text) <= most, f"{name} is empty or longer than {most}: {text}"


@lru_cache
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


@lru_cache
def _validator(definition: str) -> Draft7Validator:
    return Draft7Validator({"$ref": f"#/definitions/{definition}", "definitions": _schema()["definitions"]})


def check_schema(shown: dict[str, Any]) -> None:
    """Fail unless a message's blocks, or a view, fit Slack's published types; skip where the schema is not at hand."""
    if not SCHEMA.exists():
        pytest.skip("Slack's Block Kit schema (../shared/data/specs) is not on this machine; it is not ours to ship")
    assert not list(schema_complaints(shown))


def schema_complaints(shown: dict[str, Any]) -> Iterator[str]:
    """Yield what does not fit Slack's types. Needs the schema."""
    if shown.get("type") in {"modal", "home"}:
        yield from _complaints("ModalView" if shown["type"] == "modal" else "HomeView", shown)
    for block in shown["blocks"]:
        yield from _complaints(DEFINITIONS[block["type"]], block)


def _complaints(definition: str, value: dict[str, Any]) -> Iterator[str]:
    for error in _validator(definition).iter_errors(value):
        yield f"{definition}: {error.message[:300]}"
