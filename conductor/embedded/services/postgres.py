"""An embedded PostgreSQL: one cluster in a folder, reached over a Unix socket that only its user may enter.

Works as root and as anybody, below a home that nobody else may enter, with three processes starting it at once, and
after every kind of kill -9. Nothing listens on TCP.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from conductor.embedded.progress import Halt
from conductor.embedded.services import binaries, processes
from conductor.embedded.services.account import account_for

ROOTS_HOME = Path("/var/lib/maestro-conductor")
"""Clusters of checkouts that lie where the server's account may not go, each in a folder named by a digest."""
OWNER = "conductor"
APPLICATION_ROLE = "conductor_app"
DATABASE = "conductor"
START_SECONDS = 60
_CONFIGURATION = """\
# Written at every start.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
log_line_prefix = '%m [%p] '
"""


class Postgres:
    """The cluster of `home`. Nothing is touched until start()."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.account = account_for(self.home / "data")
        if self.account.dropped:
            self._move_within_reach()
        self.data = self.home / "data"
        self.sockets = processes.socket_folder(self.home / "run")
        self._programs: Path | None = None

    def start(self) -> bool:
        """Afterwards the server answers and the database exists. Return False if it was running already."""
        with self._alone():
            self._make_cluster()
            started = self._start_server()
            self._make_database()
        return started

    def stop(self) -> None:
        """End all sessions and the server; committed rows are on disk. No effect when it is not running."""
        if not (self.data / "postmaster.pid").exists():
            return
        with self._alone():
            for mode in ("fast", "immediate"):
                if self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "30", "stop") == 0:
                    break
                if not self.is_ready() and not self.living():
                    break

    def is_ready(self) -> bool:
        """Return whether the server answers now."""
        return self._run("pg_isready", "-q", "-h", self.sockets, "-p", "5432", "-U", OWNER, "-d", "postgres") == 0

    def living(self) -> list[int] | None:
        """Return the pids of the server and its backends; None where that cannot be known."""
        return processes.living_in(self.data)

    def url(self, role: str = OWNER) -> str:
        """Return the address of the database for this role (the socket's folder is the lock on the door)."""
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.sockets), safe='')}"

    @property
    def programs(self) -> Path:
        """Folder of psql, pg_dump and the others that fit the server, where the server's account can reach them."""
        if self._programs is None:
            folder = binaries.postgres_folder()
            if self.account.dropped and not self.account.can_execute(folder / "postgres"):
                folder = binaries.copy_for_others(folder, into=self.home)
            self._programs = folder
        return self._programs

    def remove(self) -> None:
        """Remove the cluster with all its data. It must be stopped."""
        for folder in (self.home, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)

    # Steps of start() --------------------------------------------------------------------------

    def _move_within_reach(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.account.may_enter(self.home):
            self.home = ROOTS_HOME / hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
            self.home.mkdir(parents=True, exist_ok=True)
            for folder in (ROOTS_HOME, self.home):
                folder.chmod(0o711)  # whatever root's umask is: the server's account has to pass through
            self.account = account_for(self.home / "data")

    def _make_cluster(self) -> None:
        major, version = binaries.postgres_version(self.programs)
        if (self.data / "PG_VERSION").exists():
            self._check_version(major, version)
        else:
            self._initialise(major)
        processes.private_folder(self.sockets, owner=self.account.uid, group=self.account.gid)
        escaped = str(self.sockets).replace("'", "''")
        (self.data / "conductor.conf").write_text(_CONFIGURATION.format(sockets=escaped))

    def _initialise(self, major: int) -> None:
        """Make the cluster beside its place and move it there, so that a killed initdb leaves nothing half-made."""
        scratch = self.home / "data.new"
        shutil.rmtree(scratch, ignore_errors=True)
        processes.private_folder(scratch, owner=self.account.uid, group=self.account.gid)
        locale = ["--locale=C.UTF-8"]
        if major >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        trust = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        self._must("initdb", "-D", scratch, "-U", OWNER, "--encoding=UTF8", *trust, *locale)
        with (scratch / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = 'conductor.conf'\n")
        shutil.rmtree(self.data, ignore_errors=True)
        scratch.rename(self.data)

    def _check_version(self, major: int, version: str) -> None:
        written = int((self.data / "PG_VERSION").read_text())
        if written != major:
            raise Halt(
                f"The data in {self.data} were written by PostgreSQL {written}, and the programs here are {version}.\n"
                "Keep them: dump with the old version's pg_dumpall, `make reset`, `make up`, load with psql.\n"
                "Or start over: make reset"
            )

    def _start_server(self) -> bool:
        if self.is_ready():
            return False
        # The server may be starting, stopping, or dead with backends that still hold its memory: wait for them, and
        # remove the files that name a pid only when no process of this cluster is left, whatever kill(pid, 0) says.
        processes.wait_until(lambda: self.is_ready() or not self.living(), seconds=15)
        if self.is_ready():
            return False
        if self.living() == []:
            socket = self.sockets / ".s.PGSQL.5432"
            for leftover in (self.data / "postmaster.pid", socket, socket.with_name(socket.name + ".lock")):
                leftover.unlink(missing_ok=True)
        log = self.data / "server.log"
        # The log is the server's own file; pg_ctl's output goes nowhere, or the server would hold our pipe open.
        code = self._run("pg_ctl", "-D", self.data, "-w", "-t", str(START_SECONDS), "-l", log, "start")
        if code:
            tail = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
            raise Halt("PostgreSQL did not start:\n" + "\n".join(f"    {line}" for line in tail))
        return True

    def _make_database(self) -> None:
        where = ["-h", str(self.sockets), "-p", "5432", "-U", OWNER]
        query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608 - a constant
        argv = [str(self.programs / "psql"), "-XAtq", *where, "-d", "postgres", "-c", query]
        if self.account.run(argv).stdout.strip() != "1":
            self._must("createdb", *where, DATABASE)

    # Running its programs ----------------------------------------------------------------------

    def _run(self, program: str, *arguments: str | Path) -> int:
        argv = [str(self.programs / program), *map(str, arguments)]
        return self.account.run(argv, stdout=-3, stderr=-3).returncode

    def _must(self, program: str, *arguments: str | Path) -> None:
        done = self.account.run([str(self.programs / program), *map(str, arguments)])
        if done.returncode:
            raise Halt(f"{program} failed:\n" + "\n".join(f"    {line}" for line in done.stdout.splitlines()[-8:]))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
