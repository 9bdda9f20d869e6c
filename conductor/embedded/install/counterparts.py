"""Programs of other people that the tests hold our documents, proofs and pages against.

None is needed to run the product. A test whose program is not there skips and says which package brings it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from conductor.embedded.install import debian, packages
from conductor.embedded.progress import Halt, Stage

PACKAGES = {
    "pdftotext": "poppler-utils",
    "openssl": "openssl",
    "chromium": "chromium",
    "softhsm2-util": "softhsm2",
    "zsh": "zsh",
}
"""Program -> the Debian package that brings it."""
LIBRARIES = {"libatomic.so.1": "libatomic1"}
"""Library -> the Debian package that brings it. Playwright's own Node needs it, and says so only when it starts."""
SERVERS = {"roundup": Path(__file__).with_name("roundup.lock.txt")}
"""Servers of other people written in Python, each with the lock of its own environment, `.sys/<name>`."""

DAEMONS = {"prometheus-alertmanager": "prometheus-alertmanager", "prometheus": "prometheus"}
"""Program -> its Debian package. Installing would start it as a service: it is unpacked beside the project instead."""
_UNPACKED = ".sys/daemons"


def missing() -> dict[str, str]:
    """Return the part of PACKAGES and LIBRARIES that is not here: programs are sought on the PATH."""
    programs = {program: package for program, package in PACKAGES.items() if not shutil.which(program)}
    return programs | {library: package for library, package in LIBRARIES.items() if not _can_load(library)}


def why_no_browser() -> str:
    """Return what keeps the tests from a browser, as the reason to skip them; empty when nothing does."""
    lacking = [package for what, package in missing().items() if what == "chromium" or what in LIBRARIES]
    return f"a browser needs {' and '.join(lacking)}: apt-get install {' '.join(lacking)}" if lacking else ""


def daemon(root: Path, program: str) -> str:
    """Return the path of a program that DAEMONS' packages bring, installed or unpacked; empty where it is not here."""
    unpacked = root / _UNPACKED / "usr/bin" / program
    return shutil.which(program) or (str(unpacked) if unpacked.exists() else "")


def provide(*, root: Path, stage: Stage) -> None:
    """Install what is missing where this user may; otherwise, or when that fails, say what will be skipped."""
    lacking = missing()
    if lacking and os.geteuid() == 0 and debian.available():
        stage.say(f"tests use {', '.join(lacking.values())}: installing with apt-get")
        try:
            debian.install(list(lacking.values()))
        except Halt as problem:
            stage.say(str(problem))
        lacking = missing()
    absent = [*lacking.values(), *_servers(root, stage), *_daemons(root, stage)]
    stage.result = f"without {', '.join(absent)}: their tests skip" if absent else "found"


def _servers(root: Path, stage: Stage) -> list[str]:
    """Install the servers; return the names of those that could not be."""
    absent = []
    for name, lock in SERVERS.items():
        try:
            packages.ensure_tool(root, name=name, lock=lock, stage=stage)
        except Halt as problem:
            stage.say(str(problem))
            absent.append(name)
    return absent


def _daemons(root: Path, stage: Stage) -> list[str]:
    """Unpack the packages of the daemons; return those that could not be. Any user may, where there is apt."""
    lacking = [package for program, package in DAEMONS.items() if not daemon(root, program)]
    if lacking and debian.available():
        stage.say(f"tests talk to {', '.join(lacking)}: unpacking into {_UNPACKED}")
        try:
            debian.unpack(lacking, into=root / _UNPACKED, state=root / ".sys/apt")
        except Halt as problem:
            stage.say(str(problem))
        lacking = [package for program, package in DAEMONS.items() if not daemon(root, program)]
    return lacking


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
