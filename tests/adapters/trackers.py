"""Trackers that the contract of the ticketing port is held against, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.ticketing import TicketingPort
from tests.adapters.roundup_server import Tracker, roundup


@dataclass(frozen=True)
class Running:
    """A tracker, and how to reach it."""

    adapter: TicketingPort
    kind: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    with_settings: Callable[..., TicketingPort]
    """Another adapter for it, with these settings in place of its own."""


def of_roundup(tracker: Tracker) -> Running:
    return Running(tracker.adapter(), "roundup", tracker.settings, tracker.secrets, tracker.adapter)


@contextmanager
def _roundup() -> Iterator[Running]:
    with roundup() as tracker:
        yield of_roundup(tracker)


TRACKERS: dict[str, Callable[[], Any]] = {"roundup": _roundup}
