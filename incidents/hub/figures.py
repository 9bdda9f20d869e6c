"""The figures above the list. Each stands with its n and what is missing from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from incidents.hub.durations import WEEK, medians_by_week, summaries
from incidents.models.choices import Kind, Status
from incidents.models.incident import Incident
from incidents.record.metrics import TO_ACKNOWLEDGE, TO_RESOLVE, Summary

WINDOW = timedelta(days=90)
SHOWN = {TO_ACKNOWLEDGE: Q(), TO_RESOLVE: Q(status=Status.RESOLVED)}
"""The metrics of the hub's head, and over which incidents each is taken."""


@dataclass(frozen=True)
class Figure:
    """A metric over many incidents."""

    summary: Summary
    by_week: tuple[int | None, ...]
    """Median seconds per week of the window, oldest first; None for a week without any that can be read."""


@dataclass(frozen=True)
class Figures:
    """The hub's head."""

    active: int
    active_by_severity: dict[str, int]
    unacknowledged: int
    to_acknowledge: Figure
    """Over the incidents declared in the window."""
    to_resolve: Figure
    """Over the resolved ones of them."""
    declared: int
    """How many were declared in the window."""
    unresolved: int
    """How many of those are not resolved, and therefore stand in no figure of resolution."""
    since: datetime


def figures(*, now: datetime, kind: str = Kind.REAL, window: timedelta = WINDOW) -> Figures:
    """Return the figures over the incidents of `kind` declared within `window`. Three queries.

    Private incidents count, whoever looks. Imported history is never mixed
    with what happened here: ask for it by its kind, with a window that reaches it.
    """
    since = now - window
    active = list(Incident.everything.active().filter(kind=kind).values_list("severity", "acknowledged_at"))
    found = Incident.everything.filter(kind=kind, declared_at__gte=since, declared_at__lte=now)
    summary, counts = summaries(found=found, of=SHOWN)
    weeks = medians_by_week(found=found, of=SHOWN, since=since, weeks=max(1, -(-window // WEEK)))
    return Figures(
        active=len(active),
        active_by_severity=dict(sorted(Counter(severity for severity, _ in active).items())),
        unacknowledged=sum(acknowledged is None for _, acknowledged in active),
        to_acknowledge=Figure(summary[TO_ACKNOWLEDGE], weeks[TO_ACKNOWLEDGE]),
        to_resolve=Figure(summary[TO_RESOLVE], weeks[TO_RESOLVE]),
        declared=counts["declared"],
        unresolved=counts["declared"] - counts["resolved"],
        since=since,
    )
