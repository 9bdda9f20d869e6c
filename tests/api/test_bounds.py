"""What a body may hold is bounded, field by field. tests/contract.py and schemathesis hold the server to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conductor.api.v1 import api

pytestmark = pytest.mark.fault("api-F4")

Field = tuple[str, dict[str, Any]]
TEXT_BOUNDS = ("maxLength", "enum", "const", "format", "pattern")
NUMBER_BOUNDS = ("maximum", "exclusiveMaximum", "enum", "const")
FREE = {"SignalIn.payload", "SimulationIn.data", "UploadIn.data", "GraphNode.attributes"}
"""JSON of the caller's own shape, which the size of a body bounds, and what reads it."""


def _document() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


def _bodies(document: dict[str, Any]) -> set[str]:
    return {
        content["schema"]["$ref"].rpartition("/")[2]
        for operations in document["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in content["schema"]
    }


def _fields(schemas: dict[str, Any], schema: dict[str, Any], path: str, seen: frozenset[str]) -> Iterator[Field]:
    """Yield every text and number that the schema lets in, however deep it stands."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _fields(schemas, schemas[name], name, seen | {name})
        return
    for way in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(way, []):
            yield from _fields(schemas, each, path, seen)
    if schema.get("type") in {"string", "number", "integer"}:
        yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from _fields(schemas, each, f"{path}.{name}", seen)
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict) and path not in FREE:
            yield from _fields(schemas, schema[inner], f"{path}[]", seen)


def test_every_text_and_number_of_a_body_has_a_bound() -> None:
    document = _document()
    schemas = document["components"]["schemas"]
    found = [
        field
        for body in sorted(_bodies(document))
        for field in _fields(schemas, {"$ref": f"#/components/schemas/{body}"}, body, frozenset())
    ]
    assert len(found) > 120
    assert [path for path, schema in found if not _is_bounded(schema)] == []


def _is_bounded(schema: dict[str, Any]) -> bool:
    return any(each in schema for each in (TEXT_BOUNDS if schema["type"] == "string" else NUMBER_BOUNDS))
