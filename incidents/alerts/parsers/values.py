"""Reads single values out of what other systems send. Nothing here refuses: what is unreadable is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from conductor.lib.errors import Invalid
from conductor.lib.text import storable

MOST_LABELS = 100
MOST_LABEL_CHARACTERS = 4000


class Unreadable(Invalid):
    """The body is not a JSON object."""

    code = "invalid"


def document_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`, without what PostgreSQL cannot hold in its texts. Raise Unreadable."""
    try:
        found = storable(json.loads(body.decode("utf-8", "replace")))
    except (ValueError, RecursionError) as error:
        raise Unreadable(fields={"body": ["This is not JSON."]}) from error
    if not isinstance(found, dict):
        raise Unreadable(fields={"body": ["Send a JSON object."]})
    return found


def text(value: object, most: int) -> str:
    """Return a sender's value as text of at most `most` characters, without surrounding space; of null, nothing."""
    if isinstance(value, str):
        return value.strip()[:most].strip()
    return "" if value is None else json.dumps(value, ensure_ascii=False)[:most]


def line(value: object, most: int) -> str:
    """Return the value as `text`, on one line."""
    return text(" ".join(text(value, most).split()), most)


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> dict[str, str]:
    """Return an object of labels or annotations with its values as text."""
    return {name[:200]: text(each, MOST_LABEL_CHARACTERS) for name, each in list(mapping(value).items())[:MOST_LABELS]}


def count(value: object) -> int:
    """Return the value if it is a whole number above 0, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0


def moment(value: object) -> datetime | None:
    """Return an RFC 3339 time in UTC; without a zone it is UTC. None for what names no time that we can hold."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
