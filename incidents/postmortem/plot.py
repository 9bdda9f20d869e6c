"""Where the parts of a chart stand, in the units of its SVG. Plain numbers: the console and the PDF colour them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from conductor.lib.clock import parse_rfc3339
from incidents.measures import Chart
from incidents.postmortem.measured import amount, statement

WIDTH, HEIGHT = 680, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 672, 12, 164
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
    bottom: int = BOTTOM


def plots_of(charts: list[Chart]) -> list[Plot]:
    """Return the charts that have something to draw, in their order."""
    return [_plot(chart) for chart in charts if chart["state"] == "ok"]


def _plot(chart: Chart) -> Plot:
    start, end = _seconds(chart["start"]), _seconds(chart["end"])
    steps = _steps(chart)
    span = max(end - start, 1)

    def x(at: float) -> float:
        return round(LEFT + (at - start) / span * (RIGHT - LEFT), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (value - steps[0]) / (steps[-1] - steps[0]) * (BOTTOM - TOP), 1)

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
    )


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
