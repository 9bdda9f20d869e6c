"""The body of a graph import, as the document describes it: the importer reads it itself, row by row."""

from __future__ import annotations

from typing import Any

from conductor.graph.importer import MAX_ROWS, RESOURCE_KINDS
from conductor.graph.models import Edge

_LINE = {"type": "string", "maxLength": 200}
_PLACE = {"type": "string", "maxLength": max(map(len, RESOURCE_KINDS)) + 1 + 200}
_NODE = {
    "type": "object",
    "description": "A resource. Further members are kept as attributes, unless `attributes` is given.",
    "required": ["kind", "key"],
    "properties": {
        "kind": {"type": "string", "enum": list(RESOURCE_KINDS)},
        "key": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Unique within its kind."},
        "name": {**_LINE, "description": "The key, if it is left out."},
        "environment": {**_LINE, "description": "Short name of an environment."},
        "attributes": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    },
}
_EDGE = {
    "type": "object",
    "description": "`source` depends on `target`, or whatever `kind` says.",
    "required": ["source", "target"],
    "properties": {
        "source": {**_PLACE, "description": "`kind/key` of a resource in this import, or known already."},
        "target": {**_PLACE, "description": "`kind/key`, likewise."},
        "kind": {"type": "string", "enum": list(Edge.Kind.values), "default": Edge.Kind.DEPENDS_ON.value},
    },
}
_ROWS = f"At most {MAX_ROWS:,} rows in all. A row that is not good is reported in `rejected`; the others go in."
_COMPONENTS = "#/components/schemas/"
_JSON = {
    "type": "object",
    "description": _ROWS,
    "minProperties": 1,
    "properties": {
        "nodes": {"type": "array", "items": {"$ref": f"{_COMPONENTS}GraphNode"}},
        "edges": {"type": "array", "items": {"$ref": f"{_COMPONENTS}GraphEdge"}},
    },
}
SCHEMAS: dict[str, Any] = {"GraphImport": _JSON, "GraphNode": _NODE, "GraphEdge": _EDGE}
"""By the names that a generated client gives its classes."""
_CSV = {
    "type": "string",
    "format": "binary",
    "description": "A first line of columns, then rows of one sort: `kind,key,name,environment` and any others for "
    f"resources, or `source,target,kind` for edges. {_ROWS}",
}
IMPORT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"{_COMPONENTS}GraphImport"}},
            "text/csv": {"schema": _CSV},
        },
    }
}
"""For `openapi_extra`."""
