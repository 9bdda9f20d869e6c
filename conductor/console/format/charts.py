"""Geometry of the small charts: numbers in, SVG attributes out. The template tags put the markup round it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 72.0, 24.0


@dataclass(frozen=True)
class Mark:
    """A rectangle of a row of marks, in units of the drawing."""

    kind: str
    x: float
    width: float


def sparkline(values: Sequence[float | int | None]) -> list[tuple[float, float]]:
    """Return the points of a line over `values` (None: nothing to read there), in a box of WIDTH by HEIGHT.

    Gaps are bridged; a single known value, or none, gives no line.
    """
    known = [(index, float(value)) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return []
    low, high = min(value for _, value in known), max(value for _, value in known)
    span, last = (high - low) or 1.0, len(values) - 1
    return [
        (round(2 + (WIDTH - 4) * index / last, 1), round(HEIGHT - 4 - (HEIGHT - 8) * (value - low) / span, 1))
        for index, value in known
    ]


def marks(kinds: Sequence[str], *, width: float = WIDTH, gap: float = 2.0) -> list[Mark]:
    """Return one mark per entry, side by side; where there are very many each is as narrow as it must be."""
    if not kinds:
        return []
    gap = gap if len(kinds) * gap < width / 2 else 0.0
    each = min((width - gap * (len(kinds) - 1)) / len(kinds), 10.0)
    return [Mark(kind, round(n * (each + gap), 2), round(each, 2)) for n, kind in enumerate(kinds)]
