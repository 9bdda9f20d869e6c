"""Spans and moments as people write them: `30m`, `2h`, `3d`, `14:05`, `2026-12-01`. All in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from conductor.lib.errors import Invalid

_SPAN = re.compile(r"(\d{1,4})\s*(m|min|h|d|w)", re.IGNORECASE)
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2}))?Z?")


def says_span(text: str) -> bool:
    """Whether the text says how long: `30m`, `2h`, `3d`, `1w`."""
    return _SPAN.fullmatch(text) is not None


def says_moment(text: str) -> bool:
    """Whether the text says when: a time of day, a day, or both."""
    try:
        return _read(text, datetime(2000, 1, 1, tzinfo=UTC)) is not None
    except ValueError:
        return False


def span_of(text: str, *, field: str) -> timedelta | None:
    """Return the span; None for an empty text. Raise Invalid, naming `field`, for anything else."""
    if not text:
        return None
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise Invalid(fields={field: ["Write 30m, 2h or 3d."]})
    return timedelta(**{_UNITS[found[2].lower()]: int(found[1])})


def moment_of(text: str, *, field: str, now: datetime) -> datetime | None:
    """Return the moment; None for an empty text. A time of day alone is the last one that has been. Raise Invalid."""
    if not text:
        return None
    try:
        found = _read(text.strip(), now)
    except ValueError:
        found = None
    if found is None:
        raise Invalid(fields={field: ["Write 14:05 or 2026-12-01 14:05, in UTC."]})
    return found


def due_of(text: str, *, field: str, now: datetime) -> datetime | None:
    """Return until when: a span from now, the end of a day, or a moment; None for an empty text. Raise Invalid."""
    if not text:
        return None
    if says_span(text.strip()):
        return now + (span_of(text, field=field) or timedelta())
    found = moment_of(text, field=field, now=now)
    if found is not None and _CLOCK.fullmatch(text.strip()):
        return found if found > now else found + timedelta(days=1)
    is_day = found is not None and ":" not in text
    return datetime.combine(found.date(), time(23, 59, tzinfo=UTC)) if found and is_day else found


def _read(text: str, now: datetime) -> datetime | None:
    if clock := _CLOCK.fullmatch(text):
        today = datetime.combine(now.astimezone(UTC).date(), time(int(clock[1]), int(clock[2]), tzinfo=UTC))
        return today if today <= now else today - timedelta(days=1)
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    hour, minute = (int(part) for part in (found[2] or "0:0").split(":"))
    return datetime.combine(date.fromisoformat(found[1]), time(hour, minute, tzinfo=UTC))
