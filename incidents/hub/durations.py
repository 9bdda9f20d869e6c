"""Durations over many incidents, summarised where the rows are: what record.metrics says of each, in one pass.

Reading ten thousand incidents to show four numbers took two thirds of the hub's time. The words are the same as there:
`measure` gives one incident's state, these give how many are in each, and tests hold both against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, F, FloatField, Func, IntegerField, Q, QuerySet, Value

from incidents.models.choices import OVER, SIDE_EXITS
from incidents.models.incident import Incident
from incidents.record.metrics import Definition, Summary

WEEK = timedelta(days=7)
NO_INCIDENT = Q(status__in=SIDE_EXITS)
"""Those that were no incidents of their own: no duration of theirs counts."""


class Seconds(Func):
    """Whole seconds between two moments, as `conductor.lib.clock.elapsed` counts them; NULL where one is missing."""

    template = "extract(epoch FROM date_trunc('second', %(end)s) - date_trunc('second', %(start)s))::float8"
    output_field = FloatField()

    def __init__(self, definition: Definition) -> None:
        super().__init__(F(f"{definition.end}_at"), F(f"{definition.start}_at"))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        """Name the two columns by their place."""
        (end, end_params), (start, start_params) = (compiler.compile(each) for each in self.get_source_expressions())
        sql = self.template % {"end": end, "start": start}
        return sql, (*end_params, *start_params)


class Median(Aggregate):
    """The middle one, or the mean of the middle two."""

    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


class P90(Aggregate):
    """The smallest that nine in ten do not exceed: always a real observation (nearest rank)."""

    template = "percentile_disc(0.9) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


class WeekSince(Func):
    """How many whole weeks after a moment another is, at most `last`."""

    template = "least(floor(extract(epoch FROM %(expressions)s) / 604800)::integer, %(last)s)"
    output_field = IntegerField()

    def __init__(self, field: str, *, since: datetime, last: int) -> None:
        super().__init__(F(field) - Value(since), last=int(last))


def summaries(
    *, found: QuerySet[Incident], of: Mapping[Definition, Q]
) -> tuple[dict[Definition, Summary], dict[str, int]]:
    """Return, per metric, its summary over those of `found` that its filter takes; and how many are in each status.

    Milestones are the incident's own columns. One query.
    """
    columns: dict[str, Any] = {}
    for definition, among in of.items():
        columns |= _columns(definition.key, among)
    read = found.annotate(**{each.key: Seconds(each) for each in of}).aggregate(
        **columns, declared=Count("pk"), resolved=Count("pk", filter=Q(status="RESOLVED"))
    )
    whole = {each: _summary(each.key, read) for each in of}
    return whole, {name: read[name] for name in ("declared", "resolved")}


def medians_by_week(
    *, found: QuerySet[Incident], of: Mapping[Definition, Q], since: datetime, weeks: int
) -> dict[Definition, tuple[int | None, ...]]:
    """Return, per metric, its median in whole seconds for each week of declaration; None for one without. One query."""
    rows = (
        found.annotate(
            week=WeekSince("declared_at", since=since, last=weeks - 1), **{each.key: Seconds(each) for each in of}
        )
        .order_by()
        .values("week")
        .annotate(**{_median(each): Median(each.key, filter=_readable(each.key, among)) for each, among in of.items()})
    )
    by_week: dict[int, dict[str, Any]] = {row["week"]: dict(row) for row in rows}
    return {each: tuple(_whole(by_week.get(week, {}).get(_median(each))) for week in range(weeks)) for each in of}


def _median(definition: Definition) -> str:
    return f"{definition.key}_median"


def _readable(key: str, among: Q) -> Q:
    return among & ~NO_INCIDENT & Q(**{f"{key}__gte": 0})


def _columns(key: str, among: Q) -> dict[str, Any]:
    """Return one aggregate for each field of a Summary."""
    counted, absent = among & ~NO_INCIDENT, Q(**{f"{key}__isnull": True})
    return {
        f"{key}_n": Count("pk", filter=_readable(key, among)),
        f"{key}_missing": Count("pk", filter=counted & absent & Q(status__in=OVER)),
        f"{key}_invalid": Count("pk", filter=counted & Q(**{f"{key}__lt": 0})),
        f"{key}_pending": Count("pk", filter=counted & absent & ~Q(status__in=OVER)),
        f"{key}_excluded": Count("pk", filter=among & NO_INCIDENT),
        f"{key}_median": Median(key, filter=_readable(key, among)),
        f"{key}_p90": P90(key, filter=_readable(key, among)),
    }


def _summary(key: str, read: Mapping[str, Any]) -> Summary:
    return Summary(
        **{name: read[f"{key}_{name}"] for name in ("n", "missing", "invalid", "pending", "excluded")},
        median_seconds=_whole(read[f"{key}_median"]),
        p90_seconds=_whole(read[f"{key}_p90"]),
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)
