"""The account that PostgreSQL runs under. It refuses root, so for root it is somebody who may reach little."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor.embedded.progress import Halt

CANDIDATES = ("postgres", "nobody")
"""Tried in this order for root; initdb wants an entry in /etc/passwd, and every Debian has the second."""


@dataclass(frozen=True)
class Account:
    """Who runs the server. `dropped` is true when that is not the present user."""

    uid: int
    gid: int
    dropped: bool

    def run(self, argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end as this account: from / (it may not see our folder), in a session of its own, without PG*."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        identity: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}
        return subprocess.run(
            argv,
            **{
                "cwd": "/",
                "env": environment,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.STDOUT,
                "text": True,
                "check": False,
                "start_new_session": True,
                **identity,
                **options,
            },
        )

    def may_enter(self, directory: Path) -> bool:
        """Return whether this account gets into the directory (a checkout below root's home lets nobody in)."""
        return self.run(["test", "-x", str(directory)]).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Return whether this account can start the program."""
        try:
            return self.run([str(program), "--version"]).returncode == 0
        except PermissionError:
            return False


def account_for(data: Path) -> Account:
    """Return the present user; for root the owner of the cluster at `data`, or who should own a new one."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), dropped=False)
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return Account(uid=owner, gid=data.stat().st_gid, dropped=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, dropped=True)
    raise Halt("PostgreSQL refuses to run as root, and there is no other account. Run as an ordinary user.")
