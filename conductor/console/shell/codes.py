"""The codes that people say (INC-17, R-204, EVB-0009) and the pages that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.urls import reverse

_PAGES = {"INC": "incidents:detail", "R": "console:run", "EVB": "evidence:bundle"}
"""Prefix to URL name. Names only: this package imports no app."""
_CODE = re.compile(r"\b(INC|R|EVB)-0*([1-9][0-9]{0,8})\b")


def href_of(code: str, *, tenant: str) -> str:
    """Return the path of the page that a code (or a text that begins with one) names; empty when it names none."""
    found = _CODE.match(code.strip())
    return _href(found, tenant) if found else ""


def split_at_codes(text: str, *, tenant: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of `text`, each with the path of its page, or with "" for what is not a code."""
    end = 0
    for found in _CODE.finditer(text):
        if found.start() > end:
            yield text[end : found.start()], ""
        yield found[0], _href(found, tenant)
        end = found.end()
    if end < len(text):
        yield text[end:], ""


def _href(found: re.Match[str], tenant: str) -> str:
    return reverse(_PAGES[found[1]], args=[tenant, int(found[2])])
