"""The first thing that runs: makes the environment, then hands over to it (`python -m conductor.embedded`).

    python3 -m conductor.embedded.bootstrap COMMAND [ARGUMENTS]

Runs on the system's Python with its standard library only. `setup` and `setup-dev` stop after the environment.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from conductor.embedded.install import debian, libraries, packages
from conductor.embedded.progress import STARTED_AT, Halt, Progress, halt

ROOT = Path(__file__).resolve().parents[2]
MINIMUM = (3, 11)


@dataclass(frozen=True)
class Needs:
    """What a command needs before it can start."""

    lock: str
    """The lock file of `.venv`."""
    libraries: bool = True
    """Whether PDF documents may be made: the system's Pango is then found or fetched."""
    stages: int = 2
    """How many stages the user is told of, the command's own included."""
    quiet: bool = True
    """Whether a stage that had nothing to do is left out."""


_RUN = Needs(packages.RUNTIME_LOCK)
_UP = Needs(packages.RUNTIME_LOCK, stages=8, quiet=False)
_TOOLS = Needs(packages.DEVELOPMENT_LOCK, libraries=False, stages=1)
_DEVELOP = Needs(packages.DEVELOPMENT_LOCK)
_TEST = Needs(packages.DEVELOPMENT_LOCK, stages=4, quiet=False)

NEEDS = {
    "setup": _RUN,
    "up": _UP,
    "demo-incident": _UP,
    "run": _RUN,
    "setup-dev": _DEVELOP,
    "test": _TEST,
    "test-fast": _TEST,
    "ci": _DEVELOP,
    "sdk": _DEVELOP,
    "python": _DEVELOP,
    "release": _TOOLS,
    "tool": _TOOLS,
    "lint": _TOOLS,
    "types": _TOOLS,
    "fmt": _TOOLS,
}
"""Other commands run with what is there already."""


def main(argv: list[str]) -> int:
    """Prepare what the command needs and become it. Other commands run with what is there already."""
    command = argv[0] if argv else "help"
    os.environ.setdefault(STARTED_AT, repr(time.monotonic()))
    try:
        check_python(sys.version_info[:2])
        if command in NEEDS:
            prepare(NEEDS[command])
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


def prepare(needs: Needs) -> None:
    """Stage 1: Python packages; stage 2, where documents may be made: system libraries."""
    progress = Progress(total=needs.stages, quiet=needs.quiet)
    with progress.stage("environment") as stage:
        packages.ensure(ROOT, lock=needs.lock, stage=stage)
    if needs.libraries:
        with progress.stage("libraries") as stage:
            libraries.ensure(ROOT, stage=stage)
    debian.forget(ROOT / ".sys/apt")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
