"""Identifiers are UUIDv7, and of one process each sorts after all before it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

import pytest

from conductor.lib import ids
from conductor.lib.ids import uuid7


def milliseconds_of(value: UUID) -> int:
    return value.int >> 80


def test_an_id_names_its_moment_version_and_variant() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert before <= milliseconds_of(made) <= time.time_ns() // 1_000_000 + 1
    assert (made.version, made.variant) == (7, RFC_4122)


def test_ids_of_one_process_sort_as_they_were_made_by_several_threads_too() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    with ThreadPoolExecutor(4) as pool:
        by_thread = list(pool.map(lambda _: [uuid7() for _ in range(2_000)], range(4)))
    assert all(each == sorted(each) for each in by_thread)
    assert len({*made, *(one for each in by_thread for one in each)}) == 28_000


def test_a_clock_that_stands_still_or_is_set_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    clock = iter([0, 0, 1_700_000_000_000_000_000, 1_700_000_000_000_000_000])
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(clock))
    later = [uuid7() for _ in range(4)]
    assert [first, *later] == sorted([first, *later])
    assert all(each.version == 7 for each in later)
