"""A server on the loopback that goes on sending the same bytes, slowly, whatever it is asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Dripping:
    """What tests look at: where it listens, and how many it holds."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.callers = 0
        self.held = 0
        """Callers that have not gone away yet."""


@contextmanager
def dripping(drop: bytes, *, every: float = 0.2, first: bytes = b"") -> Iterator[Dripping]:
    """Yield a server that answers `first` at once, then `drop` every so many seconds, to each who connects."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Dripping(listening.getsockname()[1])

        def hold(caller: socket.socket) -> None:
            server.held += 1
            with caller, suppress(OSError):
                caller.sendall(first)
                while not over.wait(every):
                    caller.sendall(drop)
            server.held -= 1

        def listen() -> None:
            with suppress(OSError):
                while True:
                    caller, _address = listening.accept()
                    server.callers += 1
                    threading.Thread(target=hold, args=(caller,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(2)
