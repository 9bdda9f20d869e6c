"""When the owner of an action item is reminded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from incidents.models.action_item import ActionItem

AT = time(9, tzinfo=UTC)
BEFORE = timedelta(days=3)
OVERDUE_EVERY = timedelta(days=7)
OVERDUE_TIMES = 6
"""An item that is overdue for longer than this has a problem that reminders do not solve."""
UNDATED_EVERY = timedelta(days=14)
UNDATED_TIMES = 4


def moments(item: ActionItem) -> list[datetime]:
    """Return when reminders are due, ascending: before the due date, on it, weekly after; without one, fortnightly."""
    if item.due_date is None:
        created = item.created_at.astimezone(UTC).date()
        return [_at(created + UNDATED_EVERY * n) for n in range(1, UNDATED_TIMES + 1)]
    after = [_at(item.due_date + OVERDUE_EVERY * n) for n in range(1, OVERDUE_TIMES + 1)]
    return [_at(item.due_date - BEFORE), _at(item.due_date), *after]


def behind(item: ActionItem, now: datetime) -> int:
    """Return how many of the item's reminders lie in the past."""
    return sum(moment <= now for moment in moments(item))


def next_reminder(item: ActionItem, now: datetime) -> datetime | None:
    """Return when its owner is reminded next; None for an item that is closed, or overdue beyond all reminders."""
    return next((moment for moment in moments(item) if moment > now), None) if item.is_open else None


def next_look(now: datetime) -> datetime:
    """Return the next time of day at which reminders go out. The due date may have moved by then."""
    today = _at(now.astimezone(UTC).date())
    return today if now < today else today + timedelta(days=1)


def _at(day: date) -> datetime:
    return datetime.combine(day, AT)
