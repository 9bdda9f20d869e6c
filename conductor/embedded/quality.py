"""`make lint`, `make test` and `make ci`: the suite on a server of its own, and every check that a change must pass."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from conductor.embedded import environment
from conductor.embedded.progress import Progress, Stage
from conductor.embedded.services.engines import Engines

PARALLEL = ("-n", "auto", "--dist", "worksteal")
"""The whole suite runs in as many processes as there are cores: each has a database, a home and a broker of its own."""

FAST = ("-q", "-p", "tests.harness.fast")

CHECKS: dict[str, list[str]] = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "dependencies": ["deptry", "."],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "settings": ["python", "manage.py", "check"],
    "tests": ["python", "-m", "pytest", "-q", "-m", "not full", *PARALLEL, "--cov", "--cov-report=term:skip-covered"],
}
"""In the order of `make ci`. Programs are those of `.venv`."""
LINT = ("lint", "format", "imports", "dependencies")
ON_A_DATABASE = {"migrations", "settings", "tests"}
"""Of CHECKS those that start a server. The others need `.venv` alone."""
FORMAT = (["ruff", "check", "--fix", "-q", "."], ["ruff", "format", "."])


def test(root: Path, arguments: Sequence[str]) -> int:
    """Run the suite with `arguments` for pytest; return its exit code. Tests marked `full` run only when asked for.

    Without arguments all cores are used; with them one process, whose output and debugger are at hand.
    """
    progress = Progress(total=4, first=3)
    engines = Engines(environment.home_of(root) / "test")
    engines.join()
    try:
        with progress.stage("database") as stage:
            variables = _start_server(root, engines, stage)
        selection = [] if any(argument.startswith("-m") for argument in arguments) else ["-m", "not full"]
        argv = _command(root, ["python", "-m", "pytest", *selection, *(arguments or PARALLEL)])
        with progress.stage("tests") as stage:
            code = foreground(argv, directory=root, variables=variables)
            stage.result = "passed" if code == 0 else f"FAILED (exit code {code})"
    finally:
        engines.leave()
    return code


def ci(root: Path, arguments: Sequence[str]) -> int:
    """Run every check, or those that are named, also after one has failed; return 0 when all passed.

    A server is started only where a check needs one.
    """
    chosen = {name: CHECKS[name] for name in arguments} if arguments else CHECKS
    if not ON_A_DATABASE & set(chosen):
        return _report(_run(root, chosen, Progress(total=len(chosen)), dict(os.environ)))
    engines = Engines(environment.home_of(root) / "test")
    engines.join()
    try:
        progress = Progress(total=len(chosen) + 1)
        with progress.stage("database") as stage:
            variables = _start_server(root, engines, stage)
        outcomes = _run(root, chosen, progress, variables)
    finally:
        engines.leave()
    return _report(outcomes)


def fmt(root: Path) -> int:
    """Format the code and mend what ruff can mend by itself."""
    return max(foreground(_command(root, argv), directory=root, variables=os.environ) for argv in FORMAT)


def _run(
    root: Path, checks: Mapping[str, list[str]], progress: Progress, variables: Mapping[str, str]
) -> list[tuple[str, int, float]]:
    """Run the checks one after the other; return the name, exit code and seconds of each."""
    outcomes = []
    for name, argv in checks.items():
        began = time.monotonic()
        with progress.stage(name) as stage:
            stage.say(" ".join(argv))
            code = foreground(_command(root, argv), directory=root, variables=variables)
            stage.result = "passed" if code == 0 else f"FAILED (exit code {code})"
        outcomes.append((name, code, time.monotonic() - began))
        if code == 130:
            break
    return outcomes


def foreground(argv: Sequence[str], *, directory: Path, variables: Mapping[str, str]) -> int:
    """Run a command on the user's terminal; Ctrl-C is for it alone. Return its exit code, 128 + n for signal n."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            argv, cwd=directory, env=dict(variables), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
        code = process.wait()
    except FileNotFoundError:
        print(f"{argv[0]}: not found", file=sys.stderr)
        return 127
    finally:
        signal.signal(signal.SIGINT, handler)
    return code if code >= 0 else 128 - code


def _start_server(root: Path, engines: Engines, stage: Stage) -> dict[str, str]:
    """Return the environment of the suite, whose tests may bring their counterparts (tests/harness/counterparts.py)."""
    if environment.has_own_database():
        stage.result = "at DATABASE_URL"
    else:
        started = engines.start(engines.postgres)
        stage.result = "PostgreSQL started" if started else "PostgreSQL running already"
    return {"CONDUCTOR_COUNTERPARTS": str(os.getpid()), **environment.testing(root, engines)}


def _command(root: Path, argv: Sequence[str]) -> list[str]:
    return [str(root / ".venv/bin" / argv[0]), *argv[1:]]


def _report(outcomes: Sequence[tuple[str, int, float]]) -> int:
    print()
    for name, code, seconds in outcomes:
        print(f"{'passed' if code == 0 else 'FAILED':<8}{name:<14}{seconds:7.1f} s")
    failed = [name for name, code, _ in outcomes if code]
    print(f"\n{'all checks passed' if not failed else 'failed: ' + ', '.join(failed)}", flush=True)
    return 1 if failed else 0
