"""Sections that are tables, as the document prints them: widths, what is right-aligned, where the sources stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_WIDTHS: dict[str, tuple[str, ...]] = {
    "metrics": ("", "w28", "w66"),
    "response": ("w36", "", "w42", "w42"),
    "actions": ("w13", "", "w32", "w25", "w25", "w28"),
    "cost": ("", "w42"),
}
"""Section -> the width class of each column; exactly one has none and takes what is left."""
_NUMERIC = {"metrics": {1}, "cost": {1}}
_CITED = {"actions": 1}
"""Section -> the column whose text carries the raised numbers; the first where it is not named."""


def table_of(
    section: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]], *, as_of: datetime
) -> dict[str, Any] | None:
    """Return the section's columns and rows, without columns that are empty in every row; None where it is no table."""
    key, titles = section["key"], list(section.get("columns", ()))
    rows = [each for each in blocks if len(each.get("cells", ())) == len(titles)]
    if not titles or not rows or key not in _WIDTHS:
        return None
    if key == "actions":
        titles[-1] = f"{titles[-1]}, {as_of:%-d %b}"
    kept = [n for n in range(len(titles)) if any(row["cells"][n] for row in rows)]
    numeric, cited = _NUMERIC.get(key, set()), _CITED.get(key, 0)
    columns = [{"title": titles[n], "width": _WIDTHS[key][n], "r": n in numeric} for n in kept]
    return {
        "columns": columns,
        "rows": [
            {
                "cells": [{"text": row["cells"][n], "r": n in numeric, "cited": n == cited} for n in kept],
                "sources": row["sources"],
            }
            for row in rows
        ],
    }
