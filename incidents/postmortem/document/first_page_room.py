"""How much room the first page has: it must hold its content, and a chart only where there is room for one.

Figures are those of static/pdf/pdf.css, in millimetres and characters of a line; they lean to the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

PAGE = 257.0
BRAND, BOX, FIGURES, CAPTION = 17.0, 13.0, 22.0, 13.0
HEADLINE = (40, 10.0)
"""Characters of a line, and its height."""
SUMMARY, COLUMN, SMALL = (82, 6.2), (44, 5.5), (120, 4.2)
CHARTS = (62, 54, 46, 38)
UNITS = 680 / 174
"""Units of a chart's drawing to a millimetre."""
SHORT = 0.42
"""A first page less full than this is followed on the same page."""


def lines(text: str, measure: tuple[int, float]) -> float:
    """Return how high the text stands; an East Asian character takes the room of two."""
    width = sum(2 if ord(each) > 0x2E7F else 1 for each in text)
    return max(math.ceil(width / measure[0]), 1) * measure[1]


def height_of(
    *,
    headline: str,
    summary: str,
    boxes: int,
    has_figures: bool,
    why: Sequence[str],
    changes: Sequence[tuple[str, str]],
    signed: str,
) -> float:
    """Return how high the first page stands without a chart; `boxes` above its headline say what it is no more than."""
    left = sum(lines(each, COLUMN) + 1 for each in why)
    right = sum(lines(title, COLUMN) + lines(who, COLUMN) * 0.72 + 1 for title, who in changes)
    columns = max(left, right) + 14 if why or changes else 0.0
    parts = [BRAND, BOX * boxes, lines(headline, HEADLINE) + 3, lines(summary, SUMMARY) + 4]
    return sum(parts) + (FIGURES if has_figures else 0.0) + columns + lines(signed, SMALL) + 7


def chart_height(used: float) -> int:
    """Return the height of the chart that there is room for, in units of its drawing; 0 where there is none."""
    for height in CHARTS:
        if used + height + CAPTION <= PAGE:
            return round(height * UNITS)
    return 0
