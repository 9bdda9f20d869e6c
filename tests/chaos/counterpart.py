"""The counterpart whose ledger decides: an HTTP service that does an effect once per Idempotency-Key, as vendors do.

Started as `python -m tests.chaos.counterpart <SQLite file> <file for its port>`. It keeps what it did (`done`) and how
often it was asked (`asked`) apart, so that a doubled effect cannot hide behind a repeated request.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS asked (key TEXT NOT NULL);
"""


class Counterpart(BaseHTTPRequestHandler):
    """POST with `Idempotency-Key` and {"what": …}: 201 when it was done now, 200 when it was done before."""

    database: sqlite3.Connection
    lock = threading.Lock()
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        with self.lock, self.database:
            self.database.execute("INSERT INTO asked VALUES (?)", [key])
            new = self.database.execute("INSERT OR IGNORE INTO done VALUES (?, ?)", [key, body["what"]]).rowcount
        answer = json.dumps({"key": key}).encode()
        self.send_response(201 if new else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def done(path: Path) -> list[str]:
    """Return what was done, once for each time it was done."""
    with sqlite3.connect(path) as database:
        return [row[0] for row in database.execute("SELECT what FROM done")]


def asked(path: Path) -> int:
    """Return how many requests there were."""
    with sqlite3.connect(path) as database:
        return int(database.execute("SELECT count(*) FROM asked").fetchone()[0])


def main() -> None:
    path, port_file = map(Path, sys.argv[1:3])
    Counterpart.database = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    Counterpart.database.executescript(SCHEMA)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counterpart)
    draft = port_file.with_suffix(".draft")
    draft.write_text(str(server.server_port))
    draft.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
