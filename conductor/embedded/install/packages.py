"""The project's Python environment: `.venv`, holding exactly what a lock file names, each file checked by its hash.

uv installs it. Where there is no uv, pip fetches the pinned one (uv.lock.txt) into .sys/uv; where there is no pip, it
comes from Debian's python3-pip-whl. Runs on the system's Python, standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conductor.embedded.install import debian
from conductor.embedded.progress import Halt, Stage

RUNTIME_LOCK = "requirements.lock"
DEVELOPMENT_LOCK = "requirements-dev.lock"
"""Contains the runtime lock: the same versions and the tools of the tests."""

UV_LOCK = Path(__file__).with_name("uv.lock.txt")
_WHEELS = Path("usr/share/python-wheels")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""The authorities that Debian trusts, with those that its operator has added."""


def ensure(root: Path, *, lock: str, stage: Stage) -> None:
    """Afterwards `.venv` satisfies `lock`. Returns within milliseconds when it did already."""
    if is_current(root, lock=lock):
        stage.result = "up to date"
        return
    with _alone(root):
        if is_current(root, lock=lock):
            stage.result = "made by another process just now"
            return
        _install(root, lock=lock, stage=stage)


def is_current(root: Path, *, lock: str) -> bool:
    """Return whether `.venv` was made from this very lock by this Python at this place."""
    stamp = _stamp(root)
    return (
        stamp.get("python") == _python_identity(root)
        and stamp.get("locks", {}).get(lock) == _digest(root / lock)
        and (root / ".venv/bin/python").exists()
    )


def _install(root: Path, *, lock: str, stage: Stage) -> None:
    venv = root / ".venv"
    uv = _uv(root, stage=stage)
    before = _stamp(root)
    if before.get("python") != _python_identity(root) or not (venv / "bin/python").exists():
        shutil.rmtree(venv, ignore_errors=True)
        stage.say("creating .venv")
        interpreter = getattr(sys, "_base_executable", sys.executable)
        _call([uv, "venv", "--quiet", "--python", interpreter, str(venv)], root=root)
    elif DEVELOPMENT_LOCK in before.get("locks", {}):
        lock = DEVELOPMENT_LOCK  # The tools of the tests were asked for once: they stay.
    stage.say(f"installing {_count(root / lock)} packages from {lock}, each checked by its hash")
    sync = [uv, "pip", "sync", "--python", str(venv / "bin/python"), "--require-hashes", str(root / lock)]
    _call(sync if sys.stderr.isatty() else [*sync, "--quiet"], root=root)
    names = [RUNTIME_LOCK, DEVELOPMENT_LOCK] if lock == DEVELOPMENT_LOCK else [RUNTIME_LOCK]
    stamp = {"python": _python_identity(root), "locks": {name: _digest(root / name) for name in names}}
    _stamp_path(root).write_text(json.dumps(stamp, indent=2) + "\n")
    stage.result = f"{_count(root / lock)} packages installed"


def ensure_tool(root: Path, *, name: str, lock: Path, stage: Stage) -> None:
    """Afterwards `.sys/<name>` is an environment of its own with what `lock` names; Halt where that fails.

    For programs whose packages would not agree with the project's own.
    """
    folder = root / ".sys" / name
    mark = folder / "lock.sha256"
    identity = f"{_digest(lock)} {_python_identity(root)}"
    if mark.exists() and mark.read_text() == identity:
        return
    with _alone(root):
        uv = _uv(root, stage=stage)
        stage.say(f"installing {name}, which the tests talk to, into .sys/{name}")
        shutil.rmtree(folder, ignore_errors=True)
        _call(
            [uv, "venv", "--quiet", "--python", getattr(sys, "_base_executable", sys.executable), str(folder)],
            root=root,
        )
        python = str(folder / "bin/python")
        _call([uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(lock)], root=root)
        mark.write_text(identity)


# uv, and the pip that fetches it -------------------------------------------------------------------


def _uv(root: Path, *, stage: Stage) -> str:
    own = root / ".sys/uv"
    digest = own / "lock.sha256"
    if (own / "bin/uv").exists() and digest.exists() and digest.read_text() == _digest(UV_LOCK):
        return str(own / "bin/uv")
    found = shutil.which("uv")
    if found and _answers([found, "--version"]):
        return found
    pip = _pip(root, stage=stage)
    stage.say("fetching uv, which installs Python packages, into .sys/uv")
    shutil.rmtree(own, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(own)]
    _call([*pip, "install", *options, "-r", str(UV_LOCK)], root=root)
    digest.write_text(_digest(UV_LOCK))
    return str(own / "bin/uv")


def _pip(root: Path, *, stage: Stage) -> list[str]:
    """Return the words that start a pip: installed, or run out of a wheel (Debian's minimal Python has neither)."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if _wheel(root) is None and debian.available():
        debian.provide(debian.PIP, purpose="This Python has no pip", folder=root / ".sys/pip", stage=stage)
    wheel = _wheel(root)
    if wheel is None:
        raise Halt(f"{sys.executable} has no pip. Install pip or uv with the system's package manager, then try again.")
    return [sys.executable, str(wheel / "pip")]


def _wheel(root: Path) -> Path | None:
    folders = [Path("/") / _WHEELS, root / ".sys/pip" / _WHEELS]
    if spec := importlib.util.find_spec("ensurepip"):
        folders.insert(0, Path(str(spec.origin)).parent / "_bundled")
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))), None)


# Running and remembering ---------------------------------------------------------------------------


def _call(argv: list[str], *, root: Path) -> None:
    """Run a tool that may write to the network and the disk; on failure raise Halt with what it said."""
    quiet = "--quiet" in argv
    done = subprocess.run(
        argv,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
        env=_tool_environment(root),
    )
    if done.returncode:
        said = "\n".join(f"    {line}" for line in (done.stdout or "").splitlines()[-15:])
        raise Halt(f"`{' '.join(argv)}` failed with exit code {done.returncode}.\n{said}")


def _tool_environment(root: Path) -> dict[str, str]:
    """The user's own, so that mirrors and proxies are respected, without what would lead into another environment."""
    strange = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"}
    environment = {name: value for name, value in os.environ.items() if name not in strange}
    environment |= {"UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if _CERTIFICATES.exists():
        # uv brings authorities of its own; an organisation's proxy is known to the system's list only.
        environment.setdefault("UV_SYSTEM_CERTS", "1")
    if not os.access(os.path.expanduser("~"), os.W_OK):
        cache = root / ".sys/cache"
        environment |= {"UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}
    return environment


def _answers(argv: list[str]) -> bool:
    """Return whether the program really runs (a version manager's shim may only say that it cannot)."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    (root / ".sys").mkdir(exist_ok=True)
    with (root / ".sys/environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp_path(root: Path) -> Path:
    return root / ".venv/.conductor.json"


def _stamp(root: Path) -> dict[str, Any]:
    try:
        stamp = json.loads(_stamp_path(root).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _python_identity(root: Path) -> str:
    """Scripts in `.venv` name its place, wheels are made for one Python: a change of either needs a new one."""
    return f"{sys.implementation.cache_tag} {platform.machine()} {root}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _count(lock: Path) -> int:
    return sum("==" in line and not line.startswith((" ", "#")) for line in lock.read_text().splitlines())
