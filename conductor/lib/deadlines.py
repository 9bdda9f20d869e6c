"""One deadline round a whole conversation: a socket's own timeout is per read, and a slow sender can stretch it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Self

_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))
"""When the conversation that this code is part of must be over, by the monotonic clock."""


@contextmanager
def conversation(seconds: float) -> Iterator[None]:
    """Hold everything that is exchanged inside to `seconds` in all, however many calls it takes.

    Each call asks `left` how long it may last. Conversations nest: the one that ends first counts.
    """
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def left(at_most: float) -> float:
    """Return how many seconds the next call may last: `at_most`, or until the conversation ends. 0 when it is over."""
    return max(0.0, min(at_most, _ends_at.get() - time.monotonic()))


class Deadline:
    """Cuts connections when its time is over, whatever they are doing: handshake, greeting, headers or a body.

    What waits for the other side then fails as if the connection had been lost; `passed` says why. It ends no
    later than the `conversation` that it is part of.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(left(seconds), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._watched:
                each.close()
            self._watched.clear()

    def watch(self, connected: socket.socket | int) -> None:
        """Cut this connection too; at once if the time is over already. Takes a socket or its descriptor.

        A duplicate is kept, because TLS takes a socket over and leaves the first object without its descriptor.
        """
        number = connected if isinstance(connected, int) else connected.fileno()
        with self._lock:
            self._watched.append(socket.socket(fileno=os.dup(number)))
            if self.passed:
                self._shut()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Watch what httpx connects: give this as a request's extension `trace` (httpcore manual, "Extensions")."""
        if event == "connection.connect_tcp.complete":
            self.watch(info["return_value"].get_extra_info("socket"))

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        for each in self._watched:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
