"""Is `make up` running on this data, and where: one locked file that says so."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import TextIO

from conductor.embedded.services.processes import wait_until

STOP_SECONDS = 90


class Running:
    """The claim of one `make up` on one home. The kernel takes it back when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / "up.json"
        self._file: TextIO | None = None

    def claim(self) -> bool:
        """Return True when the home is ours now, False while another process has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        self.tell(url="")
        return True

    def tell(self, *, url: str) -> None:
        """Write who we are and where the console is."""
        assert self._file is not None
        self._file.truncate(0)
        self._file.write(json.dumps({"pid": os.getpid(), "url": url}) + "\n")
        self._file.flush()

    def release(self) -> None:
        """Give the home back."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def other(self) -> dict[str, str | int]:
        """Return pid and url of the process that has the home; empty when none has."""
        if not self._path.exists():
            return {}
        with self._path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                return _parsed(file.read())
        return {}

    def stop_other(self) -> bool:
        """Ask that process to stop and wait for it. Return whether the home is free."""
        pid = self.other().get("pid")
        if isinstance(pid, int):
            os.kill(pid, signal.SIGTERM)
        return wait_until(lambda: not self.other(), seconds=STOP_SECONDS)


def _parsed(text: str) -> dict[str, str | int]:
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    return {"pid": 0, "url": "", **found}
