"""`name=requests/seconds,…`: how many requests a window of time admits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """So many requests in each window of so many seconds."""

    requests: int
    seconds: int


def parse_quotas(text: str, defaults: Mapping[str, Quota]) -> dict[str, Quota]:
    """Return `defaults` with what `text` sets otherwise; `name=off` leaves a limit out.

    Raise ValueError, which names the entry, on an unknown name or a malformed entry.
    """
    found = dict(defaults)
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = entry.partition("=")
        requests, _, seconds = value.partition("/")
        if name in defaults and value == "off":
            found.pop(name, None)
        elif name in defaults and _is_count(requests) and _is_count(seconds):
            found[name] = Quota(int(requests), int(seconds))
        else:
            raise ValueError(f"not name=requests/seconds or name=off with a name of {', '.join(defaults)}: {entry!r}")
    return found


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 10**9
