"""A real server, a real Chromium, and the two of them brought together for tests."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application
from django.db import connections

Result = TypeVar("Result")

CHROMIUM = Path("/usr/bin/chromium")


class _Server(ThreadingMixIn, WSGIServer):
    """A thread per request, because live pages hold theirs."""

    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the product on the loopback; yield its address."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=_Server, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def aside(act: Callable[[], Result]) -> Result:
    """Call `act` in a thread of its own: Playwright's loop occupies this one, and Django's ORM refuses to share it."""

    def go() -> Result:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(go).result()


def axe_source() -> str:
    """Return the script of axe-core, which a development package carries."""
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
