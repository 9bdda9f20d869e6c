"""Durations add up: what is printed between two times is what a reader works out from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed
from incidents.record.metrics import DEFINITIONS, Milestones, measure

BEGAN = datetime(2026, 11, 30, 22, 38, 0, 900_000, tzinfo=UTC)
offsets = st.lists(st.integers(0, 10**10), min_size=2, max_size=6).map(sorted)


@pytest.mark.fault("console-F12")
def test_three_times_that_are_printed_give_the_durations_that_are_printed() -> None:
    """22:38:00.9 to 22:38:04.1 took 3.2 s; the page prints 22:38:00 and 22:38:04."""
    assert duration(elapsed(BEGAN, BEGAN + timedelta(seconds=3.2))) == "4s"


@pytest.mark.fault("console-F12")
@given(offsets)
def test_the_parts_add_up_to_the_whole(microseconds: list[int]) -> None:
    times = [BEGAN + timedelta(microseconds=each) for each in microseconds]
    parts = [elapsed(first, second) for first, second in pairwise(times)]

    assert sum(parts, timedelta()) == elapsed(times[0], times[-1])
    assert all(part >= timedelta() and not part.microseconds for part in parts)


@pytest.mark.fault("console-F12")
@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: each.key)
def test_every_metric_counts_the_same_way(definition: object) -> None:
    start, end = definition.start, definition.end  # type: ignore[attr-defined]
    milestones = Milestones(**{start: BEGAN, end: BEGAN + timedelta(seconds=3.2)}, is_over=True)  # type: ignore[arg-type]

    assert measure(definition, milestones).seconds == 4  # type: ignore[arg-type]
