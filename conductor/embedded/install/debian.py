"""Debian packages: installed by root, or fetched and unpacked beside the project by anybody else.

Fetching needs no privilege: apt resolves the packages against the system's own list of what is installed, with its
state and cache in a folder of ours, and `dpkg -x` unpacks them there. Nothing outside that folder changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from conductor.embedded.progress import Halt, Stage

SYSTEM_LISTS = Path("/var/lib/apt/lists")
PIP = ("python3-pip-whl",)
"""pip as a wheel: Debian's minimal Python has none, and this is the part of python3-venv that is needed."""
PANGO = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""What WeasyPrint loads; the rest follows as dependencies."""
FONTS = {
    "NotoSansArabic": "fonts-noto-core",
    "NotoSansCJK": "fonts-noto-cjk",
    "NotoColorEmoji": "fonts-noto-color-emoji",
}
"""How the files begin that documents need for other scripts, and the package that has them."""
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where fonts.conf looks beside our own."""


def command() -> str:
    """Return the one command that installs everything the project needs of Debian, as this user has to type it."""
    prefix = "" if os.geteuid() == 0 else "sudo "
    return f"{prefix}apt-get install -y --no-install-recommends {' '.join(PIP + PANGO)}"


def fonts_missing() -> list[str]:
    """Return the packages of fonts for other scripts that are not here; `make up` does not need them."""
    here = {path.name for folder in FONT_FOLDERS for path in folder.rglob("Noto*")}
    return [package for begin, package in FONTS.items() if not any(name.startswith(begin) for name in here)]


def available() -> bool:
    """Return whether this is a system with apt and dpkg."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg"))


def provide(packages: Sequence[str], *, purpose: str, folder: Path, stage: Stage) -> None:
    """Install as root; otherwise unpack below `folder`. When neither works, Halt names the one command that does."""
    try:
        if os.geteuid() == 0:
            stage.say(f"{purpose}: installing {', '.join(packages)} with apt-get")
            install(packages)
            return
        stage.say(f"{purpose}, and only root may install it.")
        stage.say(
            f"Fetching Debian's packages with apt-get and unpacking them into {folder.parent.name}/{folder.name} of"
        )
        stage.say("this folder: nothing outside it changes. To install them for everybody instead:")
        stage.say(f"    {command()}")
        count = unpack(packages, into=folder, state=folder.parent / "apt")
        stage.say(f"unpacked {count} packages")
    except Halt as problem:
        raise Halt(f"{problem}\n\nRun this once, then try again:\n\n    {command()}") from problem


def install(packages: Sequence[str]) -> None:
    """Install as root, refreshing the package lists first where there are none or they are out of date."""
    install_now = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    if _has_lists(SYSTEM_LISTS) and _run(install_now).returncode == 0:
        return
    for argv in (["apt-get", "update", "-q"], install_now):
        done = _run(argv)
        if done.returncode:
            raise Halt(f"`{' '.join(argv)}` failed:\n{_tail(done)}")


def unpack(packages: Sequence[str], *, into: Path, state: Path) -> int:
    """Fetch `packages` and what they need and the system lacks; unpack them below `into`. Return how many.

    `state` keeps apt's lists for the next call; forget() removes it. Raises Halt when apt cannot fetch.
    """
    options = _private_apt(state)
    fetch = ["install", "-y", "-q", "--download-only", "--no-install-recommends", *packages]
    fetched = _has_lists(SYSTEM_LISTS) and _apt(options, fetch, lists=SYSTEM_LISTS).returncode == 0
    if not fetched:
        own = state / "lists"
        (own / "partial").mkdir(parents=True, exist_ok=True)
        for argv in ([] if _has_lists(own) else [["update", "-q"]]) + [fetch]:
            done = _apt(options, argv, lists=own)
            if done.returncode:
                raise Halt(f"apt-get could not fetch {' '.join(packages)}:\n{_tail(done)}")
    archives = sorted((state / "cache/archives").glob("*.deb"))
    into.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        subprocess.run(["dpkg", "-x", str(archive), str(into)], check=True, stdin=subprocess.DEVNULL)
        archive.unlink()
    return len(archives)


def forget(state: Path) -> None:
    """Remove what unpack() kept in `state`."""
    shutil.rmtree(state, ignore_errors=True)


def _private_apt(state: Path) -> list[str]:
    (state / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    return [
        f"-oDir::Cache={state / 'cache'}",
        f"-oDir::State={state}",
        "-oDir::State::status=/var/lib/dpkg/status",
        f"-oDir::Log={state}",
        "-oDebug::NoLocking=1",
    ]


def _apt(options: list[str], argv: Sequence[str], *, lists: Path) -> subprocess.CompletedProcess[str]:
    return _run(["apt-get", *options, f"-oDir::State::lists={lists}", *argv])


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
    )


def _has_lists(directory: Path) -> bool:
    return any(directory.glob("*_Packages*"))


def _tail(done: subprocess.CompletedProcess[str], lines: int = 12) -> str:
    return "\n".join(f"    {line}" for line in done.stdout.splitlines()[-lines:])
