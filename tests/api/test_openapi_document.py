"""The OpenAPI document is checked in; a change of the API changes the file in the same commit."""

from __future__ import annotations

import json
from pathlib import Path

from conductor.api.v1 import api

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reference/openapi.json"


def test_the_document_in_docs_is_the_api() -> None:
    """`make openapi` writes it anew."""
    current = json.loads(json.dumps(api.get_openapi_schema(), default=str))

    assert json.loads(DOCUMENT.read_text()) == current


def test_every_operation_has_an_id_a_tag_and_its_problems() -> None:
    seen: set[str] = set()
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["operationId"] not in seen, path
            seen.add(operation["operationId"])
            assert operation["tags"], path
            assert {"401", "403", "404", "422"} <= {str(status) for status in operation["responses"]}, path
