"""The first thing that runs: makes the environment, then hands over to it (`python -m conductor.embedded`).

    python3 -m conductor.embedded.bootstrap COMMAND [ARGUMENTS]

Runs on the system's Python with its standard library only. `setup` and `setup-dev` stop after the environment.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from conductor.embedded.install import counterparts, debian, libraries, packages
from conductor.embedded.progress import STARTED_AT, Halt, Progress, halt

ROOT = Path(__file__).resolve().parents[2]
MINIMUM = (3, 11)
RUNTIME = {"setup": 2, "up": 8, "demo-incident": 8, "run": 2}
"""Commands that need the runtime lock, and how many stages the user is told of."""
DEVELOPMENT = {"setup-dev": 3, "test": 5, "ci": 3, "sdk": 3}
"""Commands that need the tools of the tests as well."""


def main(argv: list[str]) -> int:
    """Prepare what the command needs and become it. Other commands run with what is there already."""
    command = argv[0] if argv else "help"
    os.environ.setdefault(STARTED_AT, repr(time.monotonic()))
    try:
        check_python(sys.version_info[:2])
        if stages := (RUNTIME | DEVELOPMENT).get(command):
            quiet = command not in {"up", "demo-incident", "test"}
            prepare(lock=lock_for(command), progress=Progress(total=stages, quiet=quiet))
    except Halt as problem:
        return halt(problem)
    except KeyboardInterrupt:
        return 130
    if command in {"setup", "setup-dev"}:
        return 0
    python = ROOT / ".venv/bin/python"
    interpreter = str(python) if python.exists() else sys.executable
    os.environ.update(libraries.variables(ROOT))
    os.chdir(ROOT)
    os.execv(interpreter, [interpreter, "-m", "conductor.embedded", *argv])  # noqa: S606 - no shell is wanted


def check_python(version: tuple[int, ...]) -> None:
    """Raise Halt for a Python that is too old."""
    if version < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise Halt(
            f"Maestro Conductor needs Python {wanted} or later; {sys.executable} is {'.'.join(map(str, version))}.\n"
            f"Name another one: make up PYTHON=python{wanted}"
        )


def lock_for(command: str) -> str:
    """Return the lock file that holds what `command` needs."""
    return packages.DEVELOPMENT_LOCK if command in DEVELOPMENT else packages.RUNTIME_LOCK


def prepare(*, lock: str, progress: Progress) -> None:
    """Stages 1 and 2: Python packages and system libraries; with the tools of the tests, 3: programs they use."""
    with progress.stage("environment") as stage:
        packages.ensure(ROOT, lock=lock, stage=stage)
    with progress.stage("libraries") as stage:
        libraries.ensure(ROOT, stage=stage)
    if lock == packages.DEVELOPMENT_LOCK:
        with progress.stage("counterparts") as stage:
            counterparts.provide(root=ROOT, stage=stage)
    debian.forget(ROOT / ".sys/apt")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
