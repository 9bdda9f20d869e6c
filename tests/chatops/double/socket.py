"""The double's Socket Mode: envelopes over a real WebSocket (RFC 6455, the server's side), and what came back."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MOST_CONNECTIONS = 10
ACK_SECONDS = 3.0


def accept_key(key: str) -> str:
    """Return what the server says to a client's key."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()


@dataclass
class Session:
    """One open connection."""

    connection: socket.socket
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, text: str) -> None:
        """Send a text."""
        self._frame(TEXT, text.encode())

    def _frame(self, opcode: int, data: bytes) -> None:
        size = len(data)
        head = bytes([0x80 | opcode, size]) if size < 126 else bytes([0x80 | opcode, 126]) + struct.pack(">H", size)
        with self._lock:
            self.connection.sendall(head + data)

    def read(self) -> str | None:
        """Return the next text; answer pings on the way. None once the connection ends."""
        while True:
            head = self._exactly(2)
            if head is None or head[0] & 0x0F == CLOSE:
                return None
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack(">H", self._exactly(2) or b"\0\0")[0]
            assert head[1] & 0x80, "a client masks what it sends"
            mask, data = self._exactly(4) or b"\0" * 4, self._exactly(size)
            if data is None:
                return None
            plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            if head[0] & 0x0F == PING:
                self._frame(PONG, plain)
            elif head[0] & 0x0F == TEXT:
                return plain.decode()

    def _exactly(self, size: int) -> bytes | None:
        found = b""
        while len(found) < size:
            try:
                more = self.connection.recv(size - len(found))
            except OSError:
                return None
            if not more:
                return None
            found += more
        return found

    def end(self) -> None:
        """Cut the connection, as Slack does after a warning, or without one."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class SocketMode:
    """Slack's end of Socket Mode: one app, its tickets, its connections, and what was acknowledged when."""

    app_tokens: set[str] = field(default_factory=set)
    sessions: list[Session] = field(default_factory=list)
    """Open connections, oldest first."""
    opened: int = 0
    """How many there were in all."""
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What came back, by envelope: `payload` as sent, and `after` seconds."""
    _tickets: set[str] = field(default_factory=set)
    _sent: dict[str, float] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def ticket(self) -> str:
        """Return a ticket that opens one connection, as `apps.connections.open` gives out."""
        made = secrets.token_hex(8)
        self._tickets.add(made)
        return made

    def serve(self, connection: socket.socket, ticket: str) -> None:
        """Serve a connection that was upgraded, until it ends. Without a good ticket it ends at once."""
        if ticket not in self._tickets or len(self.sessions) >= MOST_CONNECTIONS:
            return
        self._tickets.remove(ticket)
        session = Session(connection)
        self.sessions.append(session)
        self.opened += 1
        session.write(json.dumps({"type": "hello", "num_connections": len(self.sessions)}))
        try:
            while (text := session.read()) is not None:
                self._take(json.loads(text))
        finally:
            self.sessions.remove(session)

    def _take(self, answer: dict[str, Any]) -> None:
        envelope = answer["envelope_id"]
        took = time.monotonic() - self._sent[envelope]
        self.acknowledged[envelope] = {"payload": answer.get("payload"), "after": took}

    def send(self, kind: str, payload: dict[str, Any], *, retry: int = 0, over: int = -1) -> str:
        """Send a request over one of the connections; return its envelope's id."""
        envelope = f"E{next(self._numbers)}"
        self._sent[envelope] = time.monotonic()
        message = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": True}
        if retry:
            message |= {"retry_attempt": retry, "retry_reason": "timeout"}
        self.sessions[over].write(json.dumps(message))
        return envelope

    def refresh(self) -> None:
        """Warn that the newest connection ends, as Slack does every few hours; the client is to open another."""
        old = self.sessions[-1]
        old.write(json.dumps({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "x"}}))


def until(true: Callable[[], object], *, seconds: float = 15) -> bool:
    """Wait until it is true, or the time is over; return whether it is."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
