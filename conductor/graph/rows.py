"""Reads the rows of an import as people have them: JSON, or CSV as any spreadsheet writes it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from typing import Any

from conductor.lib import strict_json
from conductor.lib.errors import Invalid
from conductor.lib.text import readable

NODE_COLUMNS = ("kind", "key", "name", "environment")
EDGE_COLUMNS = ("source", "target", "kind")
COLUMNS = frozenset({*NODE_COLUMNS, *EDGE_COLUMNS})
SEPARATORS = (",", ";", "\t", "|")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
Rows = list[tuple[str, Mapping[str, Any]]]
"""Each with its place: `nodes[3]` in JSON, `line 5` in CSV."""


def read_rows(content: bytes, media_type: str) -> tuple[Rows, Rows]:
    """Return the rows of nodes and of edges. UTF-8, or UTF-16 with a byte order mark; raise Invalid for anything else.

    The separator of a CSV file is the one of comma, semicolon, tab and bar that its first line uses most.
    """
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
        return _of_json(text) if "json" in media_type else _of_csv(readable(text))
    except (ValueError, csv.Error) as error:
        raise Invalid(f"The file cannot be read: {error}") from error


def _of_json(text: str) -> tuple[Rows, Rows]:
    document = strict_json.loads(text)
    if not isinstance(document, dict) or not ({"nodes", "edges"} & document.keys()):
        raise Invalid('The JSON document must be an object with "nodes" and "edges".')
    wrong = {name: ["This must be a list."] for name in ("nodes", "edges") if not _is_list(document, name)}
    if wrong:
        raise Invalid(f"{' and '.join(wrong)} must be a list.", fields=wrong)
    return _placed(document, "nodes"), _placed(document, "edges")


def _placed(document: Mapping[str, Any], name: str) -> Rows:
    rows = enumerate(document.get(name, []))
    return [(f"{name}[{n}]", row if isinstance(row, dict) else {"_": row}) for n, row in rows]


def _is_list(document: Mapping[str, Any], name: str) -> bool:
    return isinstance(document.get(name, []), list)


def _of_csv(text: str) -> tuple[Rows, Rows]:
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    named = (name.strip() for name in reader.fieldnames or [])
    header = [name.casefold() if name.casefold() in COLUMNS else name for name in named]
    reader.fieldnames = header
    rows: Rows = [(f"line {reader.line_num}", row) for row in reader]
    if set(EDGE_COLUMNS) <= set(header):
        return [], rows
    if {"kind", "key"} <= set(header):
        return rows, []
    raise Invalid(
        "The first line must name the columns: kind,key,name,environment for nodes; source,target,kind for edges."
    )
