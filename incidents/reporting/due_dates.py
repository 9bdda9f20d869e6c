"""From a rule and the moments that are known to a due date, with every step of the way in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from incidents.reporting.calendars import add_months, add_working_days, is_working_day, next_working_day
from incidents.reporting.rules import FILED, Limit, Rule

NOON, LAST = time(12), time(23, 59, 59)
_UNITS = {"hours": "hour", "calendar_days": "day", "working_days": "working day", "months": "month"}


@dataclass(frozen=True)
class Due:
    """When it is due, and why."""

    at: datetime | None
    """None while no moment that starts the clock is known."""
    explanation: list[str]
    since: datetime | None = None
    """The moment that the limit which counts runs from; None where `at` is."""


def due(rule: Rule, moments: Mapping[str, datetime]) -> Due:
    """Return the earliest of the rule's limits that counts, moved off days without work where the rule says so.

    `moments` are aware datetimes by anchor, and by `filed:<key>` for stages that were filed.
    """
    told: list[str] = []
    reached = []
    for limit in rule.limits:
        moment = moments.get(limit.after)
        if moment is None:
            told.append(f"{span_in_words(limit)} after {anchor_in_words(limit.after)}, which nobody has recorded yet.")
            continue
        at = _add(rule, limit, moment)
        told.append(
            f"{span_in_words(limit)} after {anchor_in_words(limit.after)} at {_say(moment, rule)} is {_say(at, rule)}."
        )
        came = moments.get(limit.unless_past) if limit.unless_past else None
        if came is not None and came > at:
            late = anchor_in_words(limit.unless_past)
            told.append(f"That had passed when {late} came at {_say(came, rule)}: it does not count.")
            continue
        reached.append((at, moment))
    if not reached:
        return Due(None, told)
    earliest, since = min(reached)
    if len(reached) > 1:
        told.append(f"The earlier one counts: {_say(earliest, rule)}.")
    return Due(_rolled(rule, earliest, told).astimezone(UTC), told, since.astimezone(UTC))


def _add(rule: Rule, limit: Limit, moment: datetime) -> datetime:
    if limit.unit == "hours":
        # Hours are hours: the clock does not stop when it is put forward or back.
        return moment.astimezone(UTC) + timedelta(hours=limit.count)
    local = moment.astimezone(rule.tz)
    if limit.unit == "months":
        return datetime.combine(add_months(local.date(), limit.count), local.time(), rule.tz)
    if limit.unit == "working_days":
        return datetime.combine(add_working_days(local.date(), limit.count, rule.calendar), LAST, rule.tz)
    return datetime.combine(local.date() + timedelta(days=limit.count), LAST, rule.tz)


def _rolled(rule: Rule, at: datetime, told: list[str]) -> datetime:
    local = at.astimezone(rule.tz)
    if not rule.rolls_to_noon or is_working_day(local.date(), rule.calendar):
        return at
    moved = datetime.combine(next_working_day(local.date(), rule.calendar), NOON, rule.tz)
    told.append(f"Nobody works on {local:%A, %d %B %Y}: it moves to {_say(moved, rule)}.")
    return moved


def span_in_words(limit: Limit) -> str:
    """Return how long a limit is: "72 hours", "4 working days"."""
    word = _UNITS[limit.unit]
    return f"{limit.count} {word}{'' if limit.count == 1 else 's'}"


def anchor_in_words(anchor: str) -> str:
    """Return what starts a clock, as people read it."""
    if anchor.startswith(FILED):
        return f"the filing of {anchor.removeprefix(FILED)}"
    return anchor.replace("_", " ")


def _say(moment: datetime, rule: Rule) -> str:
    local = moment.astimezone(rule.tz)
    return f"{local:%a %d %b %Y %H:%M} {local.tzname()}"
