"""The icons of Switchboard: Lucide's, read once from icons.svg (static/vendor/fetch.sh makes it).

Icons are drawn where they stand, not by <use> from a sprite: measured on eleven pages that is 3 to 8 % smaller
after gzip, needs no list of what a page uses, and holds for fragments that htmx swaps in later.
"""

from __future__ import annotations

import re
from pathlib import Path

_SOURCE = Path(__file__).with_name("icons.svg")
_SYMBOL = re.compile(r'<symbol id="([a-z0-9-]+)">(.*?)</symbol>')

ICONS: dict[str, str] = dict(_SYMBOL.findall(_SOURCE.read_text(encoding="utf-8")))
"""Name to the shapes inside an SVG of viewBox 0 0 24 24. Trusted markup."""

UNKNOWN = "square-dashed"


def shapes(name: str) -> str:
    """Return the icon's shapes; a dashed square for a name that is not in icons.txt (a test finds those)."""
    return ICONS.get(name, ICONS[UNKNOWN])
