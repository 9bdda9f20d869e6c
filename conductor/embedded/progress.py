"""Says on the terminal which stage is running, what it does and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

STARTED_AT = "CONDUCTOR_STARTED_AT"
"""Environment variable: the monotonic clock when the command began, handed on across exec."""


class Halt(Exception):
    """Work cannot go on. The message tells the user what to do; it is printed without a traceback."""


class Stage:
    """One line of progress. `result` is shown at the end; `say` tells what takes long while it does."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self.result = ""
        self._label = label
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Print one line under the stage's name and end its silence: work is being done."""
        self._quiet = False
        for line in text.splitlines():
            _print(f"{self._label}{line}")

    def finish(self, seconds: float) -> None:
        """Print the stage's result and duration, unless it was to be quiet and had nothing to do."""
        if not self._quiet:
            _print(f"{self._label}{self.result or 'done':<58} {seconds:6.2f} s")


class Progress:
    """Numbers stages `first` to `total`. With `quiet`, a stage that had nothing to do prints nothing."""

    def __init__(self, *, total: int, first: int = 1, quiet: bool = False) -> None:
        self._total = total
        self._next = first
        self._quiet = quiet

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time the body. An exception is announced under the stage's name and goes on."""
        stage = Stage(f"[{self._next}/{self._total}] {name:<16} ", quiet=self._quiet)
        self._next += 1
        began = time.monotonic()
        try:
            yield stage
        except BaseException as error:
            stage.say(f"{'stopped' if isinstance(error, KeyboardInterrupt) else 'FAILED'} after {_since(began):.2f} s")
            raise
        stage.finish(_since(began))


def _since(began: float) -> float:
    return time.monotonic() - began


def _print(line: str) -> None:
    print(line.rstrip(), flush=True)


def halt(error: Halt) -> int:
    """Print the reason on stderr and return the exit code 1."""
    print(f"\n{error}\n", file=sys.stderr, flush=True)
    return 1
