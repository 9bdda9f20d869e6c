"""The stage of the chaos: an own PostgreSQL and broker, the counterpart, workers, two beats, and who restarts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from conductor.embedded.services.broker import Broker
from conductor.embedded.services.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 3
IDLE_SECONDS = 2
WORKERS, PROCESSES = 2, 3
REDIS = "redis://127.0.0.1:6379/13"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672"


class Stage:
    """Everything the driver needs around it. `set()` first, `strike()` at the end."""

    def __init__(self, folder: Path, broker: str, *, postgres: Any = None) -> None:
        self.folder, self.kind = folder, broker
        self.effects = folder / "effects.sqlite"
        self.postgres = postgres or Postgres(folder / "postgres")
        self.valkey = Broker(folder / "broker") if broker == "valkey" else None
        self.vhost = f"chaos-{uuid4().hex[:8]}"
        self.players: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def set(self) -> None:
        """Start the engines and the counterpart, and put the environment of all players into this process's."""
        for name in ("armed", "struck", "home", "logs"):
            (self.folder / name).mkdir(parents=True)
        self.postgres.start()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="tests.settings",
            DATABASE_URL=self.postgres.url(),
            DATABASE_APP_URL=self.postgres.url("conductor_app"),
            CONDUCTOR_HOME=str(self.folder / "home"),
            CONDUCTOR_TEST_BROKER_URL=self._broker_url(),
            CONDUCTOR_LEASE_SECONDS=str(LEASE_SECONDS),
            CONDUCTOR_WORKER_IDLE_SECONDS=str(IDLE_SECONDS),
            CONDUCTOR_LOG_LEVEL="ERROR",
            CHAOS_FOLDER=str(self.folder),
            PYTHONPATH=str(ROOT),
            PYTHONWARNINGS="ignore",
        )
        port = self.folder / "port"
        self._spawn("counterpart", "-m", "tests.chaos.counterpart", str(self.effects), str(port))
        while not port.exists():
            time.sleep(0.05)
        os.environ["CHAOS_PORT"] = port.read_text()

    def open_curtain(self) -> None:
        """Start the workers and both beats. The database must be migrated."""
        for name in self.cast():
            self._enter(name)

    def cast(self) -> list[str]:
        return [*(f"worker{n}" for n in range(WORKERS)), "beat0", "beat1"]

    def look_after(self) -> None:
        """Start again whoever died, as the product's supervisor does."""
        for name in self.cast():
            if self.players[name].poll() is not None:
                self.restarts += 1
                self._enter(name)

    def kill(self, name: str) -> None:
        """kill -9 the player and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.players[name].pid, signal.SIGKILL)
        self.players[name].wait()

    def crash_postgres(self) -> None:
        """End PostgreSQL as a crash does (no checkpoint, every session cut), and start it again."""
        pid = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while self.postgres.living():
            time.sleep(0.05)
        self.postgres.start()

    def wipe_broker(self) -> None:
        """Remove every queue and message."""
        from conductor.celery import QUEUES, app

        with app.connection_for_write() as connection:
            if self.kind == "rabbitmq":
                for queue in QUEUES:
                    connection.default_channel.queue_delete(queue)
            elif self.kind == "redis":
                connection.default_channel.client.flushdb()
            else:
                connection.default_channel.client.flushall()

    def strike(self) -> None:
        """End everything that was started."""
        for name in list(self.players):
            self.kill(name)
        if self.valkey:
            self.valkey.stop()
            self.valkey.remove()
        if self.kind == "rabbitmq":
            _rabbitmqctl("delete_vhost", self.vhost)
        self.postgres.stop()
        self.postgres.remove()

    def _broker_url(self) -> str:
        if self.valkey:
            self.valkey.start()
            return self.valkey.url()
        if self.kind == "redis":
            return REDIS
        _rabbitmqctl("add_vhost", self.vhost)
        _rabbitmqctl("set_permissions", "-p", self.vhost, "guest", ".*", ".*", ".*")
        return f"{RABBITMQ}/{self.vhost}"

    def _enter(self, name: str) -> None:
        celery = ["-m", "celery", "-A", "tests.chaos.app"]
        if name.startswith("worker"):
            flags = ["-c", str(PROCESSES), "-n", f"{name}@chaos", "--without-mingle", "--without-gossip", "-l", "ERROR"]
            self._spawn(name, *celery, "worker", *flags)
        else:
            self._spawn(name, *celery, "beat", "--pidfile=", "-l", "ERROR")

    def _spawn(self, name: str, *arguments: str) -> None:
        log: Any = (self.folder / "logs" / f"{name}.log").open("ab")
        self.players[name] = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        log.close()


def _rabbitmqctl(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "-q", *arguments], check=True, capture_output=True, timeout=60)
