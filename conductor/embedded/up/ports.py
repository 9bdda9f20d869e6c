"""The console's port: the first that nobody uses, held against another `make up` that looks at the same moment."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path

from conductor.embedded.progress import Halt, Stage

PORTS_TO_TRY = 20

_held: list[int] = []
"""Descriptors of the locks, open as long as this process lives."""


def choose(wanted: int, *, stage: Stage, folder: Path | None = None) -> int:
    """Return `wanted`, or the next free port after it; it stays this process's until that ends. Raise Halt at none.

    To be free is not enough: the server listens only seconds later, and shares its port with any other of the same
    user, so that two of them would answer each other's requests. Hence the lock, a file in `folder` (default: the
    system's for temporary files) of each port.
    """
    for port in range(wanted, wanted + PORTS_TO_TRY):
        if not (_is_free(port) and _hold(folder or Path(tempfile.gettempdir()), port)):
            continue
        if port != wanted:
            stage.say(f"port {wanted} is taken by another program: using {port} (CONDUCTOR_PORT names another)")
        return port
    raise Halt(
        f"Ports {wanted} to {wanted + PORTS_TO_TRY - 1} are all taken. Name a free one: make up CONDUCTOR_PORT=9000"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _hold(folder: Path, port: int) -> bool:
    """Whether no other process of this user holds the port. Another user's server cannot share it: it fails aloud."""
    try:
        lock = os.open(
            folder / f"conductor-{os.geteuid()}-port-{port}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True
