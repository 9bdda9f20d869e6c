"""The product's own processes, started as `make up` starts them, on this test's database and a broker of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from conductor.embedded.services.broker import Broker
from conductor.embedded.up import stages
from tests.database import ROOT
from tests.tenancy.starting import free_port, url

PATIENCE = 120


class Installation:
    """What runs, and how a test talks to it."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.port = int(free_port())
        self.logs = folder / "logs"
        self.logs.mkdir()
        default, owner = connections["default"].settings_dict, connections["owner"].settings_dict
        host = default["HOST"].replace("/", "%2F")
        kept = ("PATH", "PYTHONPYCACHEPREFIX", "FONTCONFIG_FILE", "SOURCE_DATE_EPOCH")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "CONDUCTOR_ENV": "development",
            "CONDUCTOR_HOME": str(folder),
            "CONDUCTOR_SECRET_KEY": settings.SECRET_KEY,  # so that a test's sessions hold there
            "CONDUCTOR_KEYS_DIR": str(folder / "keys"),
            "DATABASE_URL": url(owner["USER"], owner["PASSWORD"] or "", host, owner["NAME"]),
            "DATABASE_APP_URL": url(default["USER"], default["PASSWORD"] or "", host, default["NAME"]),
            "BROKER_URL": broker.url(),
        }
        self._playing: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, names: Sequence[str]) -> None:
        """Start `web`, `worker` or `beat`, each with the very command line of `make up`."""
        for child in stages._children(self.port, self.logs):
            if child.name in names:
                self._playing[child.name] = self._spawn(list(child.argv), child.name)

    def manage(self, *arguments: str) -> None:
        """Run `manage.py` beside them; raise CalledProcessError with its output if it fails."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, timeout=PATIENCE)

    def log(self, name: str) -> str:
        """Return what a process has written so far."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def end(self) -> None:
        """End everything that was started, with its children."""
        for process in self._playing.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _spawn(self, argv: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                argv, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )


@contextmanager
def installation(folder: Path, *names: str) -> Iterator[Installation]:
    """Yield the running processes `names`. The test must commit what it writes (the fixture `committed`)."""
    broker = Broker(folder / "broker")
    broker.start()
    running = Installation(folder, broker)
    try:
        running.start(names)
        yield running
    finally:
        running.end()
        broker.stop()
        broker.remove()


def until(found: Callable[[], Any], *, seconds: float = PATIENCE, what: str = "it") -> Any:
    """Return what `found` returns as soon as that is true of it; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return result
