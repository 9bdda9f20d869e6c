"""Lists of incidents as CSV: what the reader may see, and how many rows were withheld."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from conductor.lib.clock import rfc3339
from incidents.hub.selectors import HubFilter, filtered, hidden_count
from incidents.models.incident import Incident

BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheets take a file for one of their own country without it, and show other scripts as garbage."""
COLUMNS = (
    "code", "kind", "severity", "status", "title", "service", "environment", "declared_by_name",
    "detected_at", "declared_at", "acknowledged_at", "mitigated_at", "monitoring_at", "resolved_at",
)  # fmt: skip
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets."""


def export_csv(*, filters: HubFilter) -> Iterator[str]:
    """Yield the matching incidents as CSV, by number; the last line says how many rows were withheld as private.

    Of a private one that the reader may not see nothing else is told, so words, service and person of the filters do
    not count there: what a search withholds would tell what it is about. Two queries.
    """
    yield f"{BYTE_ORDER_MARK}{_line(COLUMNS)}"
    shown = 0
    for incident in filtered(filters=filters).select_related("environment").order_by("number").iterator(2000):
        shown += 1
        yield _line([_cell(incident, name) for name in COLUMNS])
    withheld = hidden_count(kind=filters.kind, active_only=False)
    yield _line([f"# {shown} rows, {withheld} withheld because they are private"])


def _cell(incident: Incident, name: str) -> str:
    value = getattr(incident, name)
    if value is None:
        return ""
    if name.endswith("_at"):
        return rfc3339(value)
    text = value.slug if name == "environment" else str(value)
    return f"'{text}" if text.startswith(RISKY) else text


def _line(cells: object) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)  # type: ignore[arg-type]
    return out.getvalue()
