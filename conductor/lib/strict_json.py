"""JSON from outside, as RFC 8259 has it, and as it can be kept."""

from __future__ import annotations

import json
import math
from typing import Any

from conductor.lib.text import storable


def loads(text: str | bytes) -> Any:
    """Return the document, without NUL characters and lone surrogates; raise ValueError for what is not JSON.

    NaN and infinities are not, though Python reads them. What is nested too deeply to be read is not, either.
    """
    try:
        return storable(json.loads(text, parse_constant=_refuse, parse_float=_finite))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
