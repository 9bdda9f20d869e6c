"""Trackers that the contract of the ticketing port is held against, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.ports.ticketing import TicketingPort
from tests.adapters import github_double, jira_double
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


@contextmanager
def _github() -> Iterator[Running]:
    with github_double.github() as (_issues, url):
        yield _doubled("github", github_double.adapter, url)


@contextmanager
def _jira() -> Iterator[Running]:
    with jira_double.jira() as (_project, url):
        yield _doubled("jira", jira_double.adapter, url)


def _doubled(kind: str, adapter: Callable[..., TicketingPort], url: str) -> Running:
    return Running(adapter(url), kind, {}, {}, lambda **settings: adapter(**{"url": url, **settings}))


TRACKERS: dict[str, Callable[[], Any]] = {"roundup": _roundup, "github": _github, "jira": _jira}
