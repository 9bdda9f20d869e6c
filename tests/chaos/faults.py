"""Faults that strike a worker at an exact place of its work.

The driver arms a fault by a file; the first process that comes by takes it by an atomic rename, and kills or stops
itself there with the signal that nobody can catch. What was renamed is what was injected.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLACES = (
    "claimed",  # a run or an item was claimed, nothing begun
    "begun",  # the try is on record, the step not called
    "before_effect",  # inside the step
    "after_effect",  # inside the step: the counterpart has acted, nothing is on record
    "recording",  # output, receipt and meter event are written, not committed
    "recorded",  # the boundary: the step is on record, the next not begun
    "opening_group",
    "item_ending",
    "joining_group",
    "ending_run",
)


def folder() -> Path:
    return Path(os.environ["CHAOS_FOLDER"])


def arm(place: str, deed: str, number: int) -> Path:
    """Have the next worker that comes by `place` killed (`kill`) or stopped (`stop`)."""
    path = folder() / "armed" / f"{place}.{deed}.{number}"
    path.touch()
    return path


def armed(deed: str) -> int:
    """Return how many faults of this kind have not struck yet."""
    return len(list((folder() / "armed").glob(f"*.{deed}.*")))


def disarm() -> None:
    """Take back what has not struck."""
    for path in (folder() / "armed").iterdir():
        path.unlink(missing_ok=True)


def struck() -> list[tuple[str, str, int]]:
    """Return (place, deed, pid) of each fault that has struck."""
    found = []
    for path in (folder() / "struck").iterdir():
        place, deed, _number, pid = path.name.split(".")
        found.append((place, deed, int(pid)))
    return found


def pass_by(place: str) -> None:
    """Be struck here, if a fault is armed for this place."""
    for path in (folder() / "armed").glob(f"{place}.*"):
        deed = path.name.split(".")[1]
        try:
            path.rename(folder() / "struck" / f"{path.name}.{os.getpid()}")
        except FileNotFoundError:
            continue  # somebody else was struck
        os.kill(os.getpid(), signal.SIGKILL if deed == "kill" else signal.SIGSTOP)


def _around(module: Any, name: str, *, before: str = "", after: str = "") -> None:
    function: Callable[..., Any] = getattr(module, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        if before:
            pass_by(before)
        result = function(*arguments, **named)
        if after:
            pass_by(after)
        return result

    setattr(module, name, wrapped)


def place_them() -> None:
    """Put the places into the engine's code of this process, and note each late write that is refused."""
    from conductor.engine.claim.lease import Lease
    from conductor.engine.define.context import LeaseLost
    from conductor.engine.run import endings, executor, groups, records, work

    _around(work, "take", after="claimed")
    _around(records, "begin_try", after="begun")
    _around(records, "succeed_step", after="recording")
    _around(executor, "call", after="recorded")
    _around(groups, "open_group", after="opening_group")
    _around(groups, "item_ended", after="item_ending")
    _around(groups, "join", before="joining_group")
    _around(endings, "succeed_run", before="ending_run")
    write = Lease.write

    def noted(self: Lease, **fields: object) -> None:
        try:
            write(self, **fields)
        except LeaseLost:
            with (folder() / "refused").open("a") as stream:
                stream.write(f"{self.run_id} {self.epoch} {os.getpid()}\n")
            raise

    Lease.write = noted  # type: ignore[method-assign]
