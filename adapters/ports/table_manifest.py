"""The state of a database's tables as numbers that can be compared: rows, checksum and columns of each.

How a checksum is made is part of the evidence, so that anybody can repeat it (docs/reference/adapters.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex


@dataclass(frozen=True)
class TableState:
    """One table at one moment."""

    name: str
    """Schema and name: `public.conductor_receipt`."""
    rows: int
    checksum: str
    """SHA-256 of the rows in PostgreSQL's COPY text format, ordered by primary key (by the whole row without one)."""
    columns: str
    """SHA-256 of one line `name type` for each column in order."""


@dataclass(frozen=True)
class Difference:
    """Where a restored table is not what was dumped."""

    table: str
    what: str
    """missing, unexpected, columns, rows or checksum."""
    source: str
    restored: str

    def __str__(self) -> str:
        return f"{self.table}: {self.what} (source {self.source or 'none'}, restored {self.restored or 'none'})"


@dataclass(frozen=True)
class TableManifest:
    """Every table of a database, by name."""

    tables: tuple[TableState, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: two databases of the same content have the same."""
        return sha256_hex(canonical_json(self.as_json()))

    @property
    def total_rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def as_json(self) -> dict[str, Any]:
        """Return `{"tables": [{"name", "rows", "checksum", "columns"}, …]}`, by name."""
        return {"tables": [asdict(table) for table in sorted(self.tables, key=lambda each: each.name)]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TableManifest:
        """Return the manifest that `as_json` wrote; raise KeyError or TypeError for anything else."""
        return cls(tuple(TableState(**table) for table in value["tables"]))

    def differences(self, restored: TableManifest) -> list[Difference]:
        """Return in what `restored` is not this, by table. Empty: the same tables, columns, rows and contents."""
        mine = {table.name: table for table in self.tables}
        theirs = {table.name: table for table in restored.tables}
        found = []
        for name in sorted(mine.keys() | theirs.keys()):
            source, copy = mine.get(name), theirs.get(name)
            if source is None or copy is None:
                what = "unexpected" if source is None else "missing"
                found.append(Difference(name, what, _rows(source), _rows(copy)))
                continue
            for field in ("columns", "rows", "checksum"):
                if getattr(source, field) != getattr(copy, field):
                    found.append(Difference(name, field, str(getattr(source, field)), str(getattr(copy, field))))
        return found


def _rows(table: TableState | None) -> str:
    return f"{table.rows} rows" if table else ""
