"""Cursor pages: stable while rows are added, and never an offset."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from conductor.lib.errors import Invalid

Row = TypeVar("Row", bound=Model)
MAX_LIMIT = 200
LARGEST = 2**63 - 1


class CursorUnknown(Invalid):
    """This is not a cursor that we gave out for this list."""

    code = "cursor_unknown"

    def __init__(self) -> None:
        super().__init__(fields={"cursor": ["This is not a cursor that we gave out for this list."]})


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page, empty on the last one."""

    items: Sequence[Row]
    next_cursor: str


def page(queryset: QuerySet[Row], *, key: str, cursor: str, limit: int) -> Page[Row]:
    """Return at most `limit` rows in descending order of `key` (a unique field), after `cursor`.

    Raise CursorUnknown for what is no cursor, or one of another list.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        queryset = queryset.filter(**{f"{key}__lt": _decode(queryset.model, key, cursor)})
    rows = list(queryset.order_by(f"-{key}")[: limit + 1])
    more = len(rows) > limit
    return Page(rows[:limit], _encode(queryset.model, key, getattr(rows[limit - 1], key)) if more else "")


def _encode(model: type[Model], key: str, value: Any) -> str:
    document = json.dumps([_list_of(model, key), str(value)], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _decode(model: type[Model], key: str, cursor: str) -> Any:
    """Return the value after which the page begins, as the field holds it."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        named, value = json.loads(raw)
        field: Any = model._meta.get_field(key)
        found = field.to_python(value) if isinstance(value, str) else None
    except (ValueError, TypeError, RecursionError, ValidationError) as error:
        raise CursorUnknown from error
    if found is None or named != _list_of(model, key) or (isinstance(found, int) and not 0 <= found <= LARGEST):
        raise CursorUnknown
    return found


def _list_of(model: type[Model], key: str) -> str:
    return f"{model._meta.model_name}.{key}"
