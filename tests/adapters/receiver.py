"""An HTTP server on the loopback that does what a test tells it, and remembers what it was sent."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


Answering = Callable[["Handler", Asked], None]


class Handler(BaseHTTPRequestHandler):
    """Hands every request to the server's `answering`."""

    protocol_version = "HTTP/1.1"
    receiver: ClassVar[Receiver]

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length", 0))
        lowered = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, lowered, self.rfile.read(length))
        self.receiver.asked.append(asked)
        try:
            self.receiver.answering(self, asked)
        except OSError:
            self.close_connection = True

    do_POST = do_GET = do_PUT = do_PATCH = handle_any

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Receiver:
    """The server as a test sees it."""

    url: str
    answering: Answering
    asked: list[Asked] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: answers that hang wait for it."""


def status(code: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answering:
    """Answer with this."""
    return lambda handler, _asked: handler.answer(code, body, headers)


no_content = status(204)


def reset(handler: Handler, _asked: Asked) -> None:
    """Cut the connection with a RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang(handler: Handler, _asked: Asked) -> None:
    """Say nothing until the test is over."""
    handler.receiver.stop.wait(30)


def drip(handler: Handler, _asked: Asked) -> None:
    """Send a byte now and then, so that no single read is slow."""
    handler.send_response(200)
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while not handler.receiver.stop.wait(0.1):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def drip_headers(handler: Handler, _asked: Asked) -> None:
    """Send headers one by one, without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.receiver.stop.wait(0.1):
        handler.wfile.write(b"x-more: 1\r\n")
        handler.wfile.flush()


@contextmanager
def receiving(answering: Answering = no_content) -> Iterator[Receiver]:
    """Yield a running server on a port of its own."""
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answering)
    handler.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def closed_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
