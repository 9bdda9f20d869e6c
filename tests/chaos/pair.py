"""A PostgreSQL primary and its streaming standby on loopback, from the programs that the embedded server uses."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from conductor.embedded.services import processes
from conductor.embedded.services.postgres import APPLICATION_ROLE, DATABASE, OWNER, Postgres

STANDBY = "standby"
"""The name by which the standby reports to the primary, and by which the primary waits for it."""
SECONDS = 60


class Pair:
    """Two servers, and one address that leads to whichever of them can be written to."""

    def __init__(self, folder: Path) -> None:
        self._embedded = Postgres(folder / "primary")
        self._account, self._sockets = self._embedded.account, self._embedded.sockets
        self.data = self._embedded.data
        self.standby = self._embedded.home / STANDBY
        self._password = secrets.token_hex(16)
        self.ports = _free_ports()

    def start(self) -> None:
        """Make the primary, copy it, and have the copy follow it. Nothing waits for the standby yet."""
        self._embedded.start()
        for statement in (
            f"ALTER ROLE {OWNER} PASSWORD '{self._password}'",
            f"CREATE ROLE {APPLICATION_ROLE} LOGIN PASSWORD '{self._password}'",
        ):
            self._ask(5432, statement)
        self._embedded.stop()
        self._serve(self.data, self.ports[0], "primary")
        processes.private_folder(self.standby, owner=self._account.uid, group=self._account.gid)
        self._must("pg_basebackup", "-D", self.standby, "-R", "-X", "stream", "-c", "fast", "-d", self._conninfo())
        self._serve(self.standby, self.ports[1], STANDBY)
        self._until("SELECT count(*) FROM pg_stat_replication", "1")

    def url(self, role: str = OWNER) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        wanted = "target_session_attrs=read-write&connect_timeout=2"
        return f"postgresql://{role}:{self._password}@{hosts}/{DATABASE}?{wanted}"

    def wait_for_standby(self, wanted: bool) -> None:
        """Have every commit wait until the standby has it on disk (or no longer)."""
        names = f"'{STANDBY}'" if wanted else "''"
        self._ask(self.ports[0], f"ALTER SYSTEM SET synchronous_standby_names = {names}")
        self._ask(self.ports[0], "SELECT pg_reload_conf()")
        self._until("SELECT sync_state FROM pg_stat_replication", "sync" if wanted else "async")

    def cut(self) -> None:
        """Cut the standby off from the primary."""
        self._ask(self.ports[1], "ALTER SYSTEM SET primary_conninfo = ''")
        self._ask(self.ports[1], "SELECT pg_reload_conf()")
        self._until("SELECT count(*) FROM pg_stat_replication", "0")

    def mend(self) -> None:
        """Let the standby follow again, as pg_basebackup had set it up."""
        conninfo = f"{self._conninfo()} application_name={STANDBY}"
        self._ask(self.ports[1], f"ALTER SYSTEM SET primary_conninfo = '{conninfo}'")
        self._ask(self.ports[1], "SELECT pg_reload_conf()")
        self._until("SELECT count(*) FROM pg_stat_replication", "1")

    def kill_primary(self) -> None:
        """kill -9 the server and every session of it, as when its machine is gone."""
        while living := processes.living_in(self.data):
            for pid in living:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.02)

    def promote(self) -> None:
        """Make the standby the primary."""
        self._must("pg_ctl", "-D", self.standby, "-w", "-t", str(SECONDS), "promote")

    def stop(self) -> None:
        for data in (self.standby, self.data):
            if processes.living_in(data):
                self._run("pg_ctl", "-D", data, "-m", "immediate", "-w", "-t", "30", "stop")

    def remove(self) -> None:
        self._embedded.remove()
        shutil.rmtree(self.standby, ignore_errors=True)

    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.ports[0]} user={OWNER} password={self._password}"

    def _serve(self, data: Path, port: int, name: str) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c cluster_name={name}"
        options += f" -c unix_socket_directories={self._sockets}"
        log = data / "server.log"
        code = self._run("pg_ctl", "-D", data, "-w", "-t", str(SECONDS), "-l", log, "-o", options, "start")
        assert code == 0, log.read_text()[-2000:]

    def _ask(self, port: int, statement: str) -> str:
        where = ["-h", self._sockets, "-p", str(port), "-U", OWNER, "-d", "postgres"]
        return self._must("psql", "-XAtq", *where, "-v", "ON_ERROR_STOP=1", "-c", statement).strip()

    def _until(self, question: str, answer: str) -> None:
        """Wait until the primary answers this."""
        ready = processes.wait_until(lambda: self._ask(self.ports[0], question) == answer, seconds=SECONDS)
        assert ready, f"{question}: {self._ask(self.ports[0], question)!r} instead of {answer!r}"

    def _run(self, program: str, *arguments: str | Path) -> int:
        """Without a pipe: a server that is started would hold it open."""
        argv = [str(self._embedded.programs / program), *map(str, arguments)]
        return self._account.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def _must(self, program: str, *arguments: str | Path) -> str:
        done = self._account.run([str(self._embedded.programs / program), *map(str, arguments)])
        assert done.returncode == 0, f"{program}: {done.stdout[-2000:]}"
        return done.stdout


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
