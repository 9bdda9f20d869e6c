"""Holds messages to Slack's limits: its own SDK's validation, its types as JSON Schema, and the lengths beside them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from slack_sdk.models.blocks import Block

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "data" / "specs" / "slack-block-kit.schema.json"
LIMITS = {"section": 3000, "context": 2000}


def utf16_length(text: str) -> int:
    """Return the length as JavaScript, and therefore Slack, counts it."""
    return len(text.encode("utf-16-le")) // 2


def check_message(message: dict[str, Any]) -> None:
    """Fail unless Slack takes the message (lengths and counts of its Block Kit reference)."""
    assert message["response_type"] in {"in_channel", "ephemeral"}
    assert 0 < utf16_length(message["text"]) <= 4000
    assert 0 < len(message["blocks"]) <= 50
    ids = [block["block_id"] for block in message["blocks"] if "block_id" in block]
    assert len(ids) == len(set(ids))
    for block in message["blocks"]:
        check_block(block)


def check_block(block: dict[str, Any]) -> None:
    """Fail unless the block is one that we use, valid for the SDK, and within its lengths."""
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.validate_json()
    if block["type"] == "section":
        assert 0 < utf16_length(block["text"]["text"]) <= 3000
        fields = block.get("fields", [])
        assert len(fields) <= 10
        assert all(0 < utf16_length(field["text"]) <= 2000 for field in fields)
    elif block["type"] == "context":
        assert 0 < len(block["elements"]) <= 10
        assert all(0 < utf16_length(element["text"]) <= 2000 for element in block["elements"])
    else:
        raise AssertionError(f"no limits are known here for {block['type']}")


@lru_cache
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


def check_schema(message: dict[str, Any]) -> None:
    """Fail unless every block fits Slack's published types; skip where the schema is not at hand."""
    if not SCHEMA.exists():
        pytest.skip("Slack's Block Kit schema (../shared/data/specs) is not on this machine; it is not ours to ship")
    names = {"section": "SectionBlock", "context": "ContextBlock"}
    for block in message["blocks"]:
        schema = {"$ref": f"#/definitions/{names[block['type']]}", "definitions": _schema()["definitions"]}
        errors = [error.message for error in Draft7Validator(schema).iter_errors(block)]
        assert not errors
