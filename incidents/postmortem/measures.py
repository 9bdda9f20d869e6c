"""What the metrics sources say of the time around an incident's impact, and what follows from it.

Nothing is filled in: a source that gave nothing leaves a chart whose state is `missing` and says why.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from adapters.ports.protocols import Measure, Reading
from conductor.lib.clock import rfc3339
from incidents.models.incident import Incident

POINTS = 240
"""A chart has about this many; a source is asked for no more."""
STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
SHORTEST_MARGIN, LONGEST_MARGIN = timedelta(minutes=30), timedelta(hours=6)


class Budget(TypedDict):
    """How much of what may go wrong did."""

    burned_seconds: int
    allowed_seconds: int
    window_seconds: int


class Chart(TypedDict):
    """One measure over the window. Moments are seconds since 1970, UTC."""

    key: str
    label: str
    unit: str
    """A value of adapters.ports.protocols.Unit."""
    state: str
    """ok, or missing."""
    why: str
    """Why it is missing; on how few moments it rests, if some are."""
    source: str
    query: str
    start: str
    end: str
    impact_start: str
    impact_end: str
    step_seconds: int
    points: list[list[float]]
    """[moment, value], ascending."""
    expected: int
    """How many points a source without gaps would have given."""
    objective: float | None
    before: float | None
    """Median before the impact."""
    worst: float | None
    """Highest value during the impact."""
    breach_seconds: int | None
    """How long the objective was exceeded during the impact; None without an objective or a value."""
    budget: Budget | None


@dataclass(frozen=True)
class Window:
    """The time that is looked at: the impact with a margin on both sides."""

    start: datetime
    end: datetime
    impact_start: datetime
    impact_end: datetime
    step: timedelta

    @property
    def moments(self) -> int:
        """How many points a source without gaps gives."""
        return int((self.end - self.start) / self.step) + 1


def window_of(*, incident: Incident, now: datetime) -> Window:
    """Return the window of an incident: its impact as somebody stated it, else from its first known moment to
    mitigation, resolution or now.

    The margin is half the impact, between 30 minutes and 6 hours. A record that runs backwards counts as a moment.
    """
    began = incident.impact_started_at or min(incident.detected_at or incident.declared_at, incident.declared_at)
    ended = max(incident.impact_ended_at or incident.mitigated_at or incident.resolved_at or now, began)
    margin = min(max((ended - began) / 2, SHORTEST_MARGIN), LONGEST_MARGIN)
    start, end = began - margin, min(ended + margin, max(now, ended))
    wanted = (end - start).total_seconds() / POINTS
    step = next((each for each in STEPS if each >= wanted), STEPS[-1])
    return Window(start, end, began, ended, timedelta(seconds=step))


def missing_chart(*, measure: Measure, source: str, window: Window, why: str, query: str = "") -> Chart:
    """Return the chart of a measure that nobody could tell."""
    return _chart(measure, source, window, query, points=[], state="missing", why=why)


def chart_of(*, measure: Measure, source: str, window: Window, reading: Reading) -> Chart:
    """Return the chart of what was read; `missing` if there was not one point."""
    if not reading.points:
        why = f"{source} has no values of this for the time."
        return missing_chart(measure=measure, source=source, window=window, why=why, query=reading.query)
    points = [[round(at.timestamp(), 3), value] for at, value in reading.points]
    lacking = window.moments - len(points)
    why = f"{lacking} of {window.moments} moments have no value." if lacking > 0 else ""
    chart = _chart(measure, source, window, reading.query, points=points, state="ok", why=why)
    _assess(chart, measure, window)
    return chart


def _chart(
    measure: Measure, source: str, window: Window, query: str, *, points: list[list[float]], state: str, why: str
) -> Chart:
    return {
        "key": measure.key,
        "label": measure.label,
        "unit": measure.unit.value,
        "state": state,
        "why": why,
        "source": source,
        "query": query,
        "start": rfc3339(window.start),
        "end": rfc3339(window.end),
        "impact_start": rfc3339(window.impact_start),
        "impact_end": rfc3339(window.impact_end),
        "step_seconds": round(window.step.total_seconds()),
        "points": points,
        "expected": window.moments,
        "objective": measure.objective,
        "before": None,
        "worst": None,
        "breach_seconds": None,
        "budget": None,
    }


def _assess(chart: Chart, measure: Measure, window: Window) -> None:
    """Fill in what follows from the points."""
    began, ended = window.impact_start.timestamp(), window.impact_end.timestamp()
    before = [value for at, value in chart["points"] if at < began]
    during = [value for at, value in chart["points"] if began <= at <= ended]
    chart["before"] = statistics.median(before) if before else None
    chart["worst"] = max(during, default=None)
    if measure.objective is None or not during:
        return
    chart["breach_seconds"] = breach = _breach(during, measure.objective, window)
    if measure.budget_seconds and measure.budget_window_seconds:
        chart["budget"] = {
            "burned_seconds": breach,
            "allowed_seconds": round(measure.budget_seconds),
            "window_seconds": round(measure.budget_window_seconds),
        }


def _breach(during: Sequence[float], objective: float, window: Window) -> int:
    """Return how long the objective was exceeded: a step for each moment above it, at most the impact itself."""
    above = sum(value > objective for value in during) * window.step
    length = max(window.impact_end - window.impact_start, window.step)
    return round(min(above, length).total_seconds())
