"""How far the clock of a duty has run."""

from __future__ import annotations

from datetime import datetime

from incidents.models.obligation import Obligation

THRESHOLDS = (50, 80, 95, 100)
"""Percent of a clock's time at which people are told. 100 is the due date itself: it was missed."""


def moment_of(duty: Obligation, percent: int) -> datetime | None:
    """Return when that part of its time is over; None while it has no due date."""
    if duty.due_at is None:
        return None
    since = duty.running_since or duty.armed_at
    return duty.due_at if percent >= 100 else since + (duty.due_at - since) * percent / 100


def reached(duty: Obligation, now: datetime) -> int | None:
    """Return the latest of THRESHOLDS that its clock has passed; None before the first one."""
    passed = [each for each in THRESHOLDS if (moment := moment_of(duty, each)) is not None and moment <= now]
    return passed[-1] if passed else None


def used(duty: Obligation, now: datetime) -> int | None:
    """Return how many percent of its time are over, 0 to 100; None while it has no due date."""
    if duty.due_at is None:
        return None
    since = duty.running_since or duty.armed_at
    whole = (duty.due_at - since).total_seconds()
    part = (now - since).total_seconds() / whole if whole > 0 else 1.0
    return round(max(0.0, min(part, 1.0)) * 100)
