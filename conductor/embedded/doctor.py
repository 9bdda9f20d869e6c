"""`make doctor`: looks at everything that `make up` needs and says what is wrong and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from conductor.embedded import environment
from conductor.embedded.install import debian, libraries, packages
from conductor.embedded.progress import Halt
from conductor.embedded.services import binaries
from conductor.embedded.services.engines import Engines
from conductor.embedded.up import marks
from conductor.embedded.up.running import Running

ENOUGH_DISK = 2_000_000_000
"""Bytes: the environment takes half a gigabyte, a cluster and its backups the rest."""


def examine(root: Path) -> int:
    """Print one line per examination; return 0 when none found fault.

    Also before `.venv` was made, on the system's Python: the engines, which come with it, are then left out.
    """
    home = environment.home_of(root)
    examinations: dict[str, Callable[[], str]] = {
        "system": lambda: f"{platform.platform()}, user {os.geteuid()}, Python {platform.python_version()}",
        "packages": lambda: _packages(root),
        "libraries": lambda: _libraries(root),
        "fonts": _fonts,
        "disk": lambda: _disk(root),
    }
    if (root / ".venv/bin/python").exists():
        examinations |= {
            "database": lambda: _database(home),
            "broker": lambda: _broker(home),
            "console": lambda: _console(home),
        }
    sound = True
    for name, look in examinations.items():
        try:
            print(f"ok      {name:<11} {look()}")
        except Halt as problem:
            sound = False
            print(f"FAULT   {name:<11} {problem}".replace("\n", "\n" + " " * 20))
    return 0 if sound else 1


def _packages(root: Path) -> str:
    if not (root / ".venv/bin/python").exists():
        raise Halt("there is no .venv: run make up")
    if sys.prefix != str(root / ".venv") or packages.is_current(root, lock=packages.RUNTIME_LOCK):
        return "as in requirements.lock"
    raise Halt(".venv does not match requirements.lock: run make up")


def _libraries(root: Path) -> str:
    if lacking := libraries.missing(root):
        raise Halt(f"missing: {', '.join(lacking)}\n{debian.command()}")
    return "Pango, HarfBuzz and fontconfig can be loaded"


def _fonts() -> str:
    """Never a fault: a document with a character that no font has says so itself."""
    if lacking := debian.fonts_missing():
        return f"for Latin script; documents in others need: apt-get install {' '.join(lacking)}"
    return "for Latin and other scripts, Chinese, Japanese and Korean, emoji"


def _disk(root: Path) -> str:
    free = shutil.disk_usage(root).free
    if free < ENOUGH_DISK:
        raise Halt(f"only {free / 1e9:.1f} GB free")
    return f"{free / 1e9:.1f} GB free"


def _database(home: Path) -> str:
    if environment.has_own_database():
        return f"PostgreSQL {marks.database(os.environ['DATABASE_URL'])[0]} at DATABASE_URL"
    version = binaries.postgres_version(binaries.postgres_folder())[1]
    return f"embedded PostgreSQL {version}, {_state(Engines(home).postgres.is_ready(), home / 'postgres')}"


def _broker(home: Path) -> str:
    if environment.has_own_broker():
        return marks.redacted(os.environ, "BROKER_URL")
    return f"embedded {binaries.broker_program().name}, {_state(Engines(home).broker.is_ready(), home / 'broker')}"


def _state(ready: bool, folder: Path) -> str:
    return "running" if ready else "stopped" if folder.exists() else "not made yet"


def _console(home: Path) -> str:
    other = Running(home).other()
    return f"running (pid {other['pid']}): {other['url'] or 'still starting'}" if other else "not running: make up"
