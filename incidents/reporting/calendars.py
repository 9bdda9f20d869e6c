"""Working days: weekends and the holidays of a calendar, by rules that hold in any year."""

from __future__ import annotations

from calendar import MONDAY, SATURDAY, monthrange
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)


def is_working_day(day: date, calendar: str) -> bool:
    """Whether people work on that day by the calendar: `none` has no holidays, but weekends."""
    return day.weekday() < SATURDAY and day not in HOLIDAYS[calendar](day.year)


def next_working_day(day: date, calendar: str) -> date:
    """Return the first working day after `day`."""
    day += DAY
    while not is_working_day(day, calendar):
        day += DAY
    return day


def add_working_days(day: date, count: int, calendar: str) -> date:
    """Return the working day that is `count` working days after `day`.

    After a day on which nobody works the count begins on, and includes, the next working day.
    """
    for _ in range(count):
        day = next_working_day(day, calendar)
    return day


def add_months(day: date, count: int) -> date:
    """Return the same day of a later month, or that month's last day where it has no such day."""
    index = day.year * 12 + day.month - 1 + count
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    week = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * week) // 451
    month, day = divmod(h + week - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache
def _none(year: int) -> frozenset[date]:
    return frozenset()


@lru_cache
def _target(year: int) -> frozenset[date]:
    """The closing days of TARGET, the payment system of the euro area."""
    sunday = easter(year)
    fixed = [date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)]
    return frozenset([*fixed, sunday - 2 * DAY, sunday + DAY])


@lru_cache
def _us_federal(year: int) -> frozenset[date]:
    """The federal holidays of the United States (5 U.S.C. 6103), on the days on which they are observed."""
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    # New Year's Day of the next year is observed in this one where it is a Saturday.
    observed = [_observed(day) for day in [*fixed, date(year + 1, 1, 1)]]
    last_monday_of_may = date(year, 5, 31)
    while last_monday_of_may.weekday() != MONDAY:
        last_monday_of_may -= DAY
    floating = [_nth(year, 1, MONDAY, 3), _nth(year, 2, MONDAY, 3), last_monday_of_may]
    floating += [_nth(year, 9, MONDAY, 1), _nth(year, 10, MONDAY, 2), _nth(year, 11, 3, 4)]
    return frozenset(day for day in [*observed, *floating] if day.year == year)


def _observed(day: date) -> date:
    return day - DAY if day.weekday() == SATURDAY else day + DAY if day.weekday() > SATURDAY else day


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


HOLIDAYS: dict[str, Callable[[int], frozenset[date]]] = {"none": _none, "target": _target, "us_federal": _us_federal}
