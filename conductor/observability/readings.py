"""Gauges that are read from the database when somebody asks, so that every process tells the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

Reading = Callable[[datetime], None]
_readings: dict[str, Reading] = {}
_log = structlog.get_logger(__name__)


def register_reading(*, name: str, reading: Reading) -> None:
    """Call `reading` before each answer of /metrics. Called in AppConfig.ready()."""
    _readings[name] = reading


def take_readings(now: datetime) -> None:
    """Take every reading. One that fails leaves its gauges as they were, and the others are taken all the same."""
    for name, reading in _readings.items():
        try:
            reading(now)
        except Exception:  # noqa: BLE001 - /metrics answers even when the database does not
            _log.exception("reading failed", reading=name)
