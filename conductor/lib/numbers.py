"""Numbers as people type them into addresses and forms."""

from __future__ import annotations

DIGITS = 9
"""Beyond as many digits there is nothing of ours, and PostgreSQL's integer would refuse it."""


def whole_number(text: str) -> int | None:
    """Return the number that plain digits mean; None for anything else, and for more than DIGITS of them."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
