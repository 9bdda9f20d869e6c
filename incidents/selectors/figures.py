"""The figures above the list. Each stands with its n and what is missing from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.metrics import (
    TO_ACKNOWLEDGE,
    TO_RESOLVE,
    Definition,
    Metric,
    Milestones,
    State,
    Summary,
    measure,
    summarise,
)
from incidents.models import OVER, SIDE_EXITS, Incident, Kind, Status

WINDOW = timedelta(days=90)
WEEK = timedelta(days=7)


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
    """Return the figures over the incidents of `kind` declared within `window`. Two queries.

    Private incidents count, whoever looks. Imported history is never mixed
    with what happened here: ask for it by its kind, with a window that reaches it.
    """
    since = now - window
    active = list(Incident.everything.active().filter(kind=kind).values_list("severity", "acknowledged_at"))
    rows = list(
        Incident.everything.filter(kind=kind, declared_at__gte=since, declared_at__lte=now)
        .order_by("declared_at")
        .values_list("status", "declared_at", "acknowledged_at", "resolved_at")
    )
    lived = [
        Milestones(
            declared=declared,
            acknowledged=acked,
            resolved=ended,
            is_over=status in OVER,
            excluded="It was no incident of its own." if status in SIDE_EXITS else "",
        )
        for status, declared, acked, ended in rows
    ]
    resolved = [each for each, row in zip(lived, rows, strict=True) if row[0] == Status.RESOLVED]
    weeks = max(1, -(-window // WEEK))
    return Figures(
        active=len(active),
        active_by_severity=dict(sorted(Counter(severity for severity, _ in active).items())),
        unacknowledged=sum(acknowledged is None for _, acknowledged in active),
        to_acknowledge=_figure(TO_ACKNOWLEDGE, lived, since, weeks),
        to_resolve=_figure(TO_RESOLVE, resolved, since, weeks),
        declared=len(rows),
        unresolved=len(rows) - len(resolved),
        since=since,
    )


def _figure(definition: Definition, lived: Sequence[Milestones], since: datetime, weeks: int) -> Figure:
    measured = [measure(definition, each) for each in lived]
    by_week: list[list[Metric]] = [[] for _ in range(weeks)]
    for each, metric in zip(lived, measured, strict=True):
        if each.declared is not None and metric.state == State.OK:
            by_week[min((each.declared - since) // WEEK, weeks - 1)].append(metric)
    return Figure(summarise(measured), tuple(_median(metrics) for metrics in by_week))


def _median(metrics: Iterable[Metric]) -> int | None:
    return summarise(metrics).median_seconds
