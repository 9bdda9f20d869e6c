"""PostgreSQL and the broker, shared by every command that needs them and stopped by the last one.

Each user of the engines holds a shared lock on one file. Whoever leaves and can lock it alone was the last. The kernel
drops the lock of a process that is killed, so nothing can stay counted.
"""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import TextIO

from conductor.embedded.services.broker import Broker
from conductor.embedded.services.postgres import Postgres


class Engines:
    """The embedded engines below `home`. join() first, leave() at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = Postgres(home / "postgres")
        self.broker = Broker(home / "broker")
        self._wanted: set[Postgres | Broker] = set()
        self._membership: TextIO | None = None

    def join(self) -> None:
        """Afterwards nobody else stops the engines. Waits while somebody does."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._membership = (self.home / "engines.lock").open("w")
        fcntl.flock(self._membership, fcntl.LOCK_SH)

    def start(self, engine: Postgres | Broker) -> bool:
        """Start one of the two unless it runs. Return whether this call did it."""
        self._wanted.add(engine)
        return engine.start()

    def revive(self) -> list[str]:
        """Start again what was started and has died since; return the names."""
        return [type(engine).__name__ for engine in self._wanted if not engine.is_ready() and engine.start()]

    def leave(self) -> bool:
        """Stop the engines unless somebody else still uses them. Return whether they are stopped."""
        if self._membership is None:
            return False
        with self._membership as membership:
            self._membership = None
            last = _lock_alone(membership)
            if last:
                self._stop()
        return last

    def clear(self) -> bool:
        """Stop the engines and remove all their data. Return False, and do nothing, while somebody uses them."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "engines.lock").open("w") as membership:
            if not _lock_alone(membership):
                return False
            self._stop()
            self.postgres.remove()
            self.broker.remove()
            shutil.rmtree(self.home)
        return True

    def _stop(self) -> None:
        self.broker.stop()
        self.postgres.stop()


def _lock_alone(membership: TextIO) -> bool:
    try:
        fcntl.flock(membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
