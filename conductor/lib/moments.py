"""Which dates and moments can be kept: those that arithmetic and PostgreSQL hold with room on both sides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime

FIRST_YEAR, LAST_YEAR = 1970, 2199
OUT_OF_RANGE = f"Give a year from {FIRST_YEAR} to {LAST_YEAR}."
Given = TypeVar("Given", bound=date)
_FIRST, _LAST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR, 12, 31, tzinfo=UTC)


def is_usable(day: date) -> bool:
    """Whether a date, or an aware moment, lies in the years that can be kept."""
    return _FIRST <= day <= _LAST if isinstance(day, datetime) else FIRST_YEAR <= day.year <= LAST_YEAR


def _usable(day: Given) -> Given:
    if not is_usable(day):
        raise ValueError(OUT_OF_RANGE)
    return day


Moment = Annotated[AwareDatetime, AfterValidator(_usable)]
"""A moment in input: with its time zone, in a year that can be kept."""
Day = Annotated[date, AfterValidator(_usable)]
"""A date in input, in a year that can be kept."""
