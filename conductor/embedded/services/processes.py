"""Questions about processes that a pid file cannot answer, and places where servers can listen."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from conductor.embedded.progress import Halt

LONGEST_SOCKET = 85
"""Bytes of a socket's folder: sun_path holds 107 and the name of the socket follows."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


def living_in(directory: Path) -> list[int] | None:
    """Return the pids of live processes whose working directory this is; None where /proc does not tell.

    Servers work in their data directory, and so do their children. A zombie counts as dead, though kill(pid, 0) and
    most pid file checks take it for alive.
    """
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return None
    if not pids:
        return None
    return [pid for pid in pids if _works_in(pid, str(directory))]


def _works_in(pid: int, directory: str) -> bool:
    try:
        if os.readlink(f"/proc/{pid}/cwd") != directory:
            return False
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it did not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def socket_folder(wanted: Path) -> Path:
    """Return `wanted`, or a private folder below /tmp where its path is too long for a socket or needs quoting."""
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET and _PLAIN_PATH.fullmatch(str(wanted)):
        return wanted
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path("/tmp") / f"conductor-{os.geteuid()}-{name}"  # noqa: S108 - private_folder() checks whose it is


def private_folder(path: Path, *, owner: int, group: int) -> None:
    """Make `path` a folder of `owner` that nobody else may enter. Halt if somebody else put something there."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.lstat()
    if path.is_symlink() or found.st_uid not in {owner, os.geteuid()}:
        raise Halt(
            f"{path} belongs to somebody else (user {found.st_uid}). Remove it, or set CONDUCTOR_HOME elsewhere."
        )
    if os.geteuid() == 0 and found.st_uid != owner:
        os.chown(path, owner, group)
    path.chmod(0o700)
