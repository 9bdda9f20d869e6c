"""`python -m perf.run ledger --seconds 10`: start the tests' own PostgreSQL, and run a measurement against it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import django

from conductor.embedded import environment
from conductor.embedded.services.engines import Engines

INSIDE = "--inside"
"""Set for the child, whose environment names the database."""
ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Return the exit status of the measurement."""
    name, *arguments = sys.argv[1:] or ["ledger"]
    if name == INSIDE:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()
        import_module(f"perf.{arguments[0]}").main(arguments[1:])
        return 0
    if not (ROOT / "perf" / f"{name}.py").exists():
        known = sorted(path.stem for path in (ROOT / "perf").glob("*.py") if path.stem not in {"__init__", "run"})
        print(f"there is no measurement {name}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    engines = Engines(environment.home_of(ROOT) / "test")
    engines.join()
    try:
        if not environment.has_own_database():
            engines.start(engines.postgres)
        command = [sys.executable, "-m", "perf.run", INSIDE, name, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment.testing(ROOT, engines), check=False).returncode
    finally:
        engines.leave()


if __name__ == "__main__":
    sys.exit(main())
