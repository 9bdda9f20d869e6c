"""The clock that the engine and its steps read, in the hands of a test."""

from __future__ import annotations

from datetime import datetime


class Clock:
    """Returns `at`, which the test moves on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at
