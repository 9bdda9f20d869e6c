"""The section that says what metrics sources told of the time around the impact; the charts stand beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from adapters.ports.protocols import Unit
from conductor.console.format.values import duration, number
from conductor.lib.clock import rfc3339
from incidents.models.choices import EventKind
from incidents.postmortem.draft.blocks import Block, block
from incidents.postmortem.measures import Chart
from incidents.postmortem.record import Story


def measured(story: Story) -> list[Block]:
    """A statement for each chart, resting on the entry that vouches for what was read."""
    read = [event.seq for event in story.of(EventKind.MEASURES_READ)][-1:]
    if not story.charts or not read:
        return []
    return [block(statement(chart), read) for chart in story.charts]


def chart_files(charts: Sequence[Chart]) -> list[tuple[str, bytes, str]]:
    """Return (name, CSV, description) of each chart that has values: what was drawn, to be computed with."""
    files = []
    for chart in charts:
        if chart["state"] == "ok":
            rows = [f"{rfc3339(datetime.fromtimestamp(at, UTC))},{value!r}" for at, value in chart["points"]]
            name = re.sub(r"[^a-z0-9]+", "-", chart["key"].lower()).strip("-") or "measure"
            text = "\r\n".join(["moment,value", *rows, ""])
            files.append((f"{name}.csv", text.encode(), f"{chart['label']} from {chart['source']}, {chart['unit']}"))
    return files


def statement(chart: Chart) -> str:
    """Return what the chart says, in words: also for whoever cannot see it."""
    if chart["state"] != "ok":
        return f"{chart['label']} is missing: {chart['why']}"
    parts = [part for part in (course(chart), _promise(chart), _burned(chart)) if part]
    counted = f"{number(len(chart['points']))} of {number(chart['expected'])} moments"
    return f"{' '.join(parts)} {chart['source']}, {counted}."


def amount(value: float, unit: str) -> str:
    """Return the value as people read it: `4.1%`, `820ms`, `12.5/s`, `1,204`."""
    if unit == Unit.RATIO:
        return f"{value * 100:.3g}%"
    if unit == Unit.SECONDS:
        return f"{value * 1000:.3g}ms" if abs(value) < 1 else f"{value:.3g}s"
    figure = number(round(value)) if abs(value) >= 1000 else f"{value:.3g}"
    return f"{figure}/s" if unit == Unit.PER_SECOND else figure


def course(chart: Chart) -> str:
    """Return how the measure ran: before the impact, and at its highest during it."""
    label, unit = chart["label"], chart["unit"]
    before, worst = chart["before"], chart["worst"]
    if worst is None:
        return f"{label} has no value during the impact."
    if before is None:
        return f"{label} was {amount(worst, unit)} at its highest during the impact."
    return f"{label} was {amount(before, unit)} before the impact and {amount(worst, unit)} at its highest during it."


def _promise(chart: Chart) -> str:
    objective, breach = chart["objective"], chart["breach_seconds"]
    if objective is None or breach is None:
        return ""
    limit = amount(objective, chart["unit"])
    return f"It stayed within its objective of {limit}." if breach == 0 else f"Above {limit} for {duration(breach)}."


def _burned(chart: Chart) -> str:
    budget = chart["budget"]
    if budget is None:
        return ""
    share = budget["burned_seconds"] / budget["allowed_seconds"]
    allowed, window = duration(budget["allowed_seconds"]), duration(budget["window_seconds"])
    return f"That is {share:.0%} of the {allowed} allowed in {window}."
