"""`python -m conductor.embedded COMMAND`: what the Makefile's targets call once the environment stands."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conductor.embedded import doctor, environment, quality, release
from conductor.embedded.progress import Halt, halt
from conductor.embedded.sdk import wheel
from conductor.embedded.services.engines import Engines
from conductor.embedded.up import stages
from conductor.embedded.up.running import Running

ROOT = Path(__file__).resolve().parents[2]


def up(arguments: Sequence[str]) -> int:
    """Start everything and stay."""
    return stages.up(ROOT, once="--once" in arguments or os.environ.get("CONDUCTOR_UP_ONCE", "") in {"1", "true"})


def demo_incident(arguments: Sequence[str]) -> int:
    """Replay a recorded outage: on what `make up` has running, else on what is started for it."""
    if Running(environment.home_of(ROOT)).other():
        return run([sys.executable, "manage.py", "demo_incident", *arguments])
    return stages.up(ROOT, once=True, then="demo_incident")


def run(arguments: Sequence[str]) -> int:
    """Run a command with the engines up and the environment of `make up`."""
    engines = Engines(environment.home_of(ROOT))
    engines.join()
    try:
        if not environment.has_own_database():
            engines.start(engines.postgres)
        if not environment.has_own_broker():
            engines.start(engines.broker)
        url = str(Running(engines.home).other().get("url") or "")
        variables = environment.development(ROOT, engines, base_url=url)
        return quality.foreground(list(arguments), directory=ROOT, variables=variables)
    finally:
        engines.leave()


def python(arguments: Sequence[str]) -> int:
    """Run the environment's Python on `arguments`, without engines."""
    return quality.foreground([sys.executable, *arguments], directory=ROOT, variables=os.environ)


def stop(arguments: Sequence[str]) -> int:
    """Stop a `make up` that runs elsewhere, and engines that a killed one left behind."""
    home = environment.home_of(ROOT)
    if not home.exists():
        return 0
    if not Running(home).stop_other():
        raise Halt(f"make up (pid {Running(home).other().get('pid')}) does not stop.")
    engines = Engines(home)
    engines.join()
    print("stopped" if engines.leave() else "another command still uses the engines")
    return 0


def reset(arguments: Sequence[str]) -> int:
    """Remove all data, unless something runs on them."""
    home = environment.home_of(ROOT)
    if other := Running(home).other():
        raise Halt(f"make up is running (pid {other['pid']}). Stop it first: make stop")
    for place in (home / "test", home):
        if place.exists() and not Engines(place).clear():
            raise Halt(f"A command still uses the engines in {place}. Wait for it or end it, then try again.")
    print(f"removed {home}")
    return 0


def status(arguments: Sequence[str]) -> int:
    """Say whether `make up` is running, and where. Exit code 3 when it is not."""
    other = Running(environment.home_of(ROOT)).other()
    print(f"running (pid {other['pid']}): {other['url'] or 'still starting'}" if other else "not running")
    return 0 if other else 3


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "up": up,
    "demo-incident": demo_incident,
    "run": run,
    "stop": stop,
    "reset": reset,
    "status": status,
    "doctor": lambda arguments: doctor.examine(ROOT),
    "test": lambda arguments: quality.test(ROOT, arguments),
    "test-fast": lambda arguments: quality.test(ROOT, [*quality.FAST, *(arguments or quality.PARALLEL)]),
    "ci": lambda arguments: quality.ci(ROOT, arguments),
    "lint": lambda arguments: quality.ci(ROOT, quality.LINT),
    "types": lambda arguments: quality.ci(ROOT, ["types"]),
    "fmt": lambda arguments: quality.fmt(ROOT),
    "python": python,
    "tool": python,
    "release": lambda arguments: release.make(ROOT),
    "sdk": lambda arguments: wheel.make(ROOT),
}


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m conductor.embedded {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except Halt as problem:
        return halt(problem)
    except KeyboardInterrupt:
        return 130
    except PermissionError as problem:
        return halt(
            Halt(f"{problem.filename} belongs to another user: this checkout was used by somebody else before.")
        )


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
