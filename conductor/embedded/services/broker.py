"""An embedded broker: Valkey on a Unix socket, every message on disk within a second."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conductor.embedded.progress import Halt
from conductor.embedded.services import binaries, processes

START_SECONDS = 20


class Broker:
    """The broker of `home`. Nothing is touched until start()."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.data = self.home / "data"
        self.socket = processes.socket_folder(self.home) / "broker.sock"

    def start(self) -> bool:
        """Afterwards the broker answers. Return False if it was running already."""
        with self._alone():
            if self.is_ready():
                return False
            for folder in (self.data, self.socket.parent):
                processes.private_folder(folder, owner=os.geteuid(), group=os.getegid())
            # One that is just stopping still writes its file; one that hangs would never let go of it.
            processes.wait_until(lambda: self.is_ready() or not self.living(), seconds=10)
            if self.is_ready():
                return False
            self._launch()
            return True

    def stop(self) -> None:
        """Write everything to disk and end. No effect when it is not running."""
        if not self.data.exists():
            return
        with self._alone():
            self._ask(b"SHUTDOWN")
            processes.wait_until(lambda: not self.is_ready() and not self.living(), seconds=START_SECONDS)

    def is_ready(self) -> bool:
        """Return whether the broker answers now (while it loads its file it does not)."""
        return self._ask(b"PING").startswith(b"+PONG")

    def living(self) -> list[int] | None:
        """Return the pid of the server in a list; None where that cannot be known."""
        return processes.living_in(self.data)

    def url(self) -> str:
        """Return the address for Celery."""
        return f"redis+socket://{self.socket}"

    def remove(self) -> None:
        """Remove every message. The broker must be stopped."""
        for folder in {self.home, self.socket.parent}:
            shutil.rmtree(folder, ignore_errors=True)

    def _launch(self) -> None:
        # Valkey refuses a broken locale, so it gets a plain one; it detaches itself and init reaps it.
        done = subprocess.run(
            [str(binaries.broker_program()), *self._options()],
            cwd=self.data,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,
        )
        if done.returncode or not processes.wait_until(self.is_ready, seconds=START_SECONDS):
            log = self.data / "broker.log"
            told = log.read_text(errors="replace") if log.exists() else done.stdout
            raise Halt("The broker did not start:\n" + "\n".join(f"    {line}" for line in told.splitlines()[-8:]))

    def _options(self) -> list[str]:
        values = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "logfile": str(self.data / "broker.log"),
            "daemonize": "yes",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [word for name, value in values.items() for word in (f"--{name}", value)]

    def _ask(self, command: bytes) -> bytes:
        """Send one command over the socket and return the first answer; empty when nobody answers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(command + b"\r\n")
                return connection.recv(256)
            except OSError:
                return b""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
