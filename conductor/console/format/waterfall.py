"""The geometry of a run's waterfall: each try as a bar, each wait as a dotted line, in percent of the run's length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conductor.engine.define.redaction import redacted
from conductor.engine.models import Run, Step, Try
from conductor.engine.operate.accounts import next_try_at

NARROWEST_PERCENT = 0.35
"""Even an instant is drawn."""
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)


@dataclass(frozen=True)
class Bar:
    kind: str
    """ok, bad, run or wait."""
    x: float
    width: float

    @property
    def end(self) -> float:
        return round(min(self.x + self.width, 100), 3)


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class DrawnStep:
    """A step with its bars and its sentence for those who do not see them."""

    step: Step
    id: object
    seq: int
    place: str
    name: str
    status: str
    glyph: str
    seconds: float | None
    tries: list[Try]
    given: Any
    output: list[tuple[str, Any]]
    wait: dict[str, Any] | None
    error: dict[str, Any] | None
    next_try_at: datetime | None
    hidden: int
    """For a group's head: how many of its items are not shown."""
    bars: list[Bar]
    aria: str


@dataclass(frozen=True)
class Picture:
    steps: list[DrawnStep]
    ticks: list[Tick]
    chosen: DrawnStep | None
    begin: datetime
    end: datetime
    retries: int


def draw(*, run: Run, chosen: str, now: datetime) -> Picture:
    """Lay out a run fetched by `engine.selectors.run_with_steps`.

    The chosen step is the one of that number, else the first that failed, else the one at work or to be
    tried again, else the last.
    """
    begin = run.started_at or run.created_at
    end = max(run.finished_at or now, begin + timedelta(milliseconds=100))
    span = (end - begin).total_seconds()
    rows = list(run.steps.all())
    shown = Counter(step.seq for step in rows if step.item is not None)
    steps = [
        _drawn(run, step, shown, begin, end, span)
        for step in rows
        if not (step.is_cleanup and step.status in {Step.Status.PENDING, Step.Status.SKIPPED})
    ]
    retries = sum(max(len(each.tries) - 1, 0) for each in steps)
    return Picture(steps, _ticks(span), _chosen(steps, chosen), begin, end, retries)


def pairs(value: dict[str, Any] | None) -> list[tuple[str, Any]]:
    """Return the members for a template, without secrets; there, `value.items` would be the member of that name."""
    return list(redacted(value or {}).items())


def _drawn(run: Run, step: Step, shown: Counter[int], begin: datetime, end: datetime, span: float) -> DrawnStep:
    tries = list(step.tries.all())
    bars, previous = [], None
    for each in tries:
        if previous is not None:
            bars.append(_bar("wait", previous, each.started_at, begin, span))
        until = each.finished_at or end
        bars.append(_bar(_kind(each), each.started_at, until, begin, span))
        previous = until
    if step.status == Step.Status.WAITING and previous is not None:
        bars.append(_bar("wait", previous, end, begin, span))
    if step.is_group and step.started_at:
        kind = {"SUCCEEDED": "ok", "FAILED": "bad"}.get(step.status, "run")
        bars.append(_bar(kind, step.started_at, step.finished_at or end, begin, span))
    seconds = None
    if step.started_at:
        seconds = ((step.finished_at or end) - step.started_at).total_seconds()
    told = [f"try {each.number} {each.get_outcome_display().lower()}" for each in tries]
    return DrawnStep(
        step=step,
        id=step.id,
        seq=step.seq,
        place=step.place,
        name=step.name,
        status=step.get_status_display(),
        glyph=step.status.lower(),
        seconds=seconds,
        tries=tries,
        given=redacted(step.given),
        output=pairs(step.output),
        wait=redacted(step.wait),
        error=redacted(step.error),
        next_try_at=next_try_at(run, step),
        hidden=_hidden(step, shown),
        bars=bars,
        aria=f"{_called(step)}: {', '.join(told) or step.get_status_display().lower()}",
    )


def _called(step: Step) -> str:
    return step.name if step.item is None else f"{step.name}, item {step.item}"


def _hidden(step: Step, shown: Counter[int]) -> int:
    """A group knows how many items it has by its output, or by what it waits for."""
    if not step.is_group or not shown[step.seq]:
        return 0
    count: int = (step.wait or {}).get("items", len((step.output or {}).get("items", [])))
    return max(count - shown[step.seq], 0)


def _kind(attempt: Try) -> str:
    return {"SUCCEEDED": "ok", "FAILED": "bad", "LOST": "bad", "CANCELLED": "wait", "WAITING": "wait"}.get(
        attempt.outcome, "run"
    )


def _bar(kind: str, start: datetime, stop: datetime, begin: datetime, span: float) -> Bar:
    x = 100 * max((start - begin).total_seconds(), 0) / span
    width = 100 * max((stop - start).total_seconds(), 0) / span
    return Bar(kind, round(min(x, 100 - NARROWEST_PERCENT), 3), round(max(min(width, 100 - x), NARROWEST_PERCENT), 3))


def _ticks(span: float) -> list[Tick]:
    """At most eight round marks."""
    interval = next((each for each in _TICKS if span / each <= 8), _TICKS[-1])
    count = int(span // interval) + 1
    return [Tick(round(100 * n * interval / span, 3), _label(n * interval)) for n in range(count)]


def _label(seconds: int) -> str:
    if seconds == 0:
        return "0"
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _chosen(steps: list[DrawnStep], wanted: str) -> DrawnStep | None:
    candidates = (
        [each for each in steps if each.place == wanted],
        [each for each in steps if each.status == "Failed"],
        [each for each in steps if each.status in {"Running", "Waiting"} or each.next_try_at],
        [each for each in steps[::-1] if each.status == "Succeeded"],
        steps,
    )
    return next((found[0] for found in candidates if found), None)
