"""Where the parts of a chart stand, in the units of its SVG. Plain numbers: the console and the PDF colour them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed, parse_rfc3339
from incidents.postmortem.draft.measures import amount, statement
from incidents.postmortem.measures import Chart

WIDTH, HEIGHT = 680, 190
LEFT, RIGHT, TOP, FOOT = 56, 672, 12, 26
MARKED_TOP = 30
"""Room above the lines for the words of marks."""
MOST_MARKS = 3
LETTER = 5.2
"""About how wide a letter of a mark's words is."""
TICKS = 4
MOST_COLUMNS = 7
COLUMNS = tuple(60 * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))
"""Seconds between the labels below: the first that gives no more than that many of them."""
EDGE = 16
"""A label nearer to the chart's side than this would hang over it."""
GAP = 1.5
"""Points further apart than this many steps are not joined: nothing was measured between them."""


@dataclass(frozen=True)
class Tick:
    """A label beside an axis."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Mark:
    """A moment worth a line across the chart, and what happened then."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Plot:
    """A chart, drawn. `statement` says the same in words."""

    label: str
    statement: str
    source: str
    query: str
    lines: list[str]
    """Path data of each unbroken stretch."""
    dots: list[tuple[float, float]]
    """Points that stand alone."""
    impact_x: float
    impact_width: float
    objective_y: float | None
    objective: str
    rows: list[Tick]
    columns: list[Tick]
    day: str
    """`20 Nov 2026`, where the labels below do not name it; else the first and the last day."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = HEIGHT - FOOT
    marks: list[Tick] = field(default_factory=list)
    peak: Tick | None = None
    """The worst value with its time, where it was reached."""
    peak_y: float = 0.0
    impact: str = ""
    """`Impact: 31m 00s`."""

    @property
    def impact_height(self) -> int:
        return self.bottom - self.top

    @property
    def impact_at(self) -> float | None:
        """The middle of the widest stretch of the impact between marks; None where its words do not fit there."""
        ends = [self.impact_x, self.impact_x + self.impact_width]
        cuts = sorted([*ends, *(mark.at for mark in self.marks if ends[0] < mark.at < ends[1])])
        left, right = max(pairwise(cuts), key=lambda pair: pair[1] - pair[0])
        return round((left + right) / 2, 1) if right - left > len(self.impact) * LETTER + 8 else None

    @property
    def impact_y(self) -> float:
        """Near the foot, above the line of the objective where that would cross the words."""
        near = self.bottom - 8.0
        crossed = self.objective_y is not None and near - 12 < self.objective_y < near + 4
        return self.objective_y - 5 if crossed and self.objective_y is not None else near


def plots_of(charts: list[Chart], *, marks: Sequence[Mark] = (), height: int = HEIGHT) -> list[Plot]:
    """Return the charts that have something to draw, in their order, each with at most three marks."""
    return [_plot(chart, marks, height) for chart in charts if chart["state"] == "ok"]


def _plot(chart: Chart, marks: Sequence[Mark], height: int) -> Plot:
    top, bottom = MARKED_TOP if marks else TOP, height - FOOT
    start, end = _seconds(chart["start"]), _seconds(chart["end"])
    steps = _steps(chart)
    span = max(end - start, 1)

    def x(at: float) -> float:
        return round(LEFT + (at - start) / span * (RIGHT - LEFT), 1)

    def y(value: float) -> float:
        return round(bottom - (value - steps[0]) / (steps[-1] - steps[0]) * (bottom - top), 1)

    stretches = [[(x(at), y(value)) for at, value in each] for each in _stretches(chart)]
    objective = chart["objective"]
    impact_x = x(_seconds(chart["impact_start"]))
    return Plot(
        label=chart["label"],
        statement=statement(chart),
        source=chart["source"],
        query=chart["query"],
        lines=[_path(each) for each in stretches if len(each) > 1],
        dots=[each[0] for each in stretches if len(each) == 1],
        impact_x=impact_x,
        impact_width=max(round(x(_seconds(chart["impact_end"])) - impact_x, 1), 1.0),
        objective_y=y(objective) if objective is not None else None,
        objective=amount(objective, chart["unit"]) if objective is not None else "",
        rows=[Tick(y(value), amount(value, chart["unit"]), "end") for value in steps],
        columns=list(_columns(start, end, x)),
        day=_days(start, end),
        height=height,
        top=top,
        bottom=bottom,
        marks=list(_marks(marks, start, end, x)),
        impact=f"Impact: {duration(elapsed(parse_rfc3339(chart['impact_start']), parse_rfc3339(chart['impact_end'])))}",
        **(_peak(chart, x, y) if marks else {}),
    )


def _marks(marks: Sequence[Mark], start: float, end: float, x: Callable[[float], float]) -> Iterator[Tick]:
    """Yield the marks inside the chart; words stand on the side where they meet neither a mark nor the edge."""
    inside = [mark for mark in marks if start <= mark.at.timestamp() <= end][:MOST_MARKS]
    free = float(LEFT)
    for n, mark in enumerate(inside):
        at, width = x(mark.at.timestamp()), len(mark.text) * LETTER + 8
        limit = x(inside[n + 1].at.timestamp()) if n + 1 < len(inside) else RIGHT
        if at + width <= limit and at >= free:
            yield Tick(at, mark.text, "start")
            free = at + width
        elif at - width >= free:
            yield Tick(at, mark.text, "end")
            free = at


def _peak(chart: Chart, x: Callable[[float], float], y: Callable[[float], float]) -> dict[str, Any]:
    """Return the first highest value during the impact, as words above its point."""
    began, ended = _seconds(chart["impact_start"]), _seconds(chart["impact_end"])
    during = [point for point in chart["points"] if began <= point[0] <= ended]
    if not during:
        return {}
    at, value = max(during, key=lambda point: point[1])
    words = f"{amount(value, chart['unit'])} at {datetime.fromtimestamp(at, UTC):%H:%M}"
    half = len(words) * LETTER / 2
    anchor = "start" if x(at) - half < LEFT else "end" if x(at) + half > RIGHT else "middle"
    return {"peak": Tick(x(at), words, anchor), "peak_y": round(y(value) - 5, 1)}


def _stretches(chart: Chart) -> Iterator[list[list[float]]]:
    """Yield the points as runs without a gap."""
    run: list[list[float]] = []
    for point in chart["points"]:
        if run and point[0] - run[-1][0] > GAP * chart["step_seconds"]:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _steps(chart: Chart) -> list[float]:
    """Return round values for the horizontal lines, the lowest and the highest enclosing every value."""
    values = [value for _at, value in chart["points"]]
    if chart["objective"] is not None:
        values.append(chart["objective"])
    low, high = min(values), max(values)
    if low >= 0 and low < high / 2:
        low = 0.0
    size = _round_up((high - low) / TICKS or abs(high) / TICKS or 1)
    first = math.floor(low / size)
    count = max(math.ceil(high / size) - first, 1)
    return [round((first + n) * size, 10) for n in range(count + 1)]


def _round_up(size: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least `size`."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= size * 0.999)


def _columns(start: float, end: float, x: Callable[[float], float]) -> Iterator[Tick]:
    """Yield labels at round moments: full minutes, quarters, hours."""
    span = end - start
    size = next(
        (each for each in COLUMNS if span / each <= MOST_COLUMNS),
        COLUMNS[-1] * math.ceil(span / COLUMNS[-1] / MOST_COLUMNS),
    )
    several_days = span > 86_400
    for n in range(math.ceil(start / size), math.floor(end / size) + 1):
        moment, at = datetime.fromtimestamp(n * size, UTC), x(n * size)
        text = format(moment, "%H:%M" if not several_days else "%-d %b" if size >= 86_400 else "%-d %b %H:%M")
        anchor = "start" if at < LEFT + EDGE else "end" if at > RIGHT - EDGE else "middle"
        yield Tick(at, text, anchor)


def _days(start: float, end: float) -> str:
    first, last = (f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}" for at in (start, end))
    return first if first == last else f"{first} to {last}"


def _seconds(text: str) -> float:
    return parse_rfc3339(text).timestamp()
