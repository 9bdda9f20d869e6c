"""Cursor pages: stable while rows are added, and never an offset."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from conductor.lib.errors import Invalid

Row = TypeVar("Row", bound=Model)
MAX_LIMIT = 200


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page, empty on the last one."""

    items: Sequence[Row]
    next_cursor: str


def page(queryset: QuerySet[Row], *, key: str, cursor: str, limit: int) -> Page[Row]:
    """Return at most `limit` rows in descending order of `key` (a unique field), after `cursor`."""
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        queryset = queryset.filter(**{f"{key}__lt": _decode(cursor)})
    rows = list(queryset.order_by(f"-{key}")[: limit + 1])
    more = len(rows) > limit
    return Page(rows[:limit], _encode(getattr(rows[limit - 1], key)) if more else "")


def _encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(str(value)).encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Invalid(fields={"cursor": ["This is not a cursor that we gave out."]}) from error
    return str(value)
