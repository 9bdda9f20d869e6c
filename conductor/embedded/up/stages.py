"""`make up`, stage by stage: engines, migrations, demonstration, console, main job."""

from __future__ import annotations

import http.client
import os
import sys
import time
from functools import partial
from pathlib import Path

from conductor.embedded import environment
from conductor.embedded.progress import STARTED_AT, Halt, Progress, Stage
from conductor.embedded.services.engines import Engines
from conductor.embedded.up import marks, ports
from conductor.embedded.up.marks import Marks
from conductor.embedded.up.private import make_private
from conductor.embedded.up.running import Running
from conductor.embedded.up.supervisor import Child, Supervisor, say, tail

READY_SECONDS = 90
SCHEMA = ("*/migrations/*.py", "requirements.lock")
DEMONSTRATION = (*SCHEMA, "*/demonstration/**/*", "*/data/*")


def up(root: Path, *, once: bool, then: str = "") -> int:
    """Bring everything up and keep it up until a signal; with `once` only until the main job has ended.

    `then` names a command of manage.py that runs after the main job; `up` ends with it.

    Return 0, or the main job's exit code if it failed. Whatever happens, all that was started is stopped.
    """
    home = environment.home_of(root)
    make_private(home, named=bool(os.environ.get("CONDUCTOR_HOME")))
    running = Running(home)
    if not running.claim():
        other = running.other()
        print(f"make up is running already (pid {other.get('pid')}): {other.get('url') or 'still starting'}")
        return 1 if once else 0
    engines = Engines(home)
    supervisor = Supervisor(directory=root, environment=os.environ, tend=partial(_revive, engines))
    supervisor.watch_signals()
    engines.join()
    try:
        start = _Start(root, engines, supervisor, running)
        code = start.run(once=once or bool(then))
        return code or (supervisor.run([sys.executable, "manage.py", then]) if then else 0)
    finally:
        _stop_all(supervisor, engines, running)


class _Start:
    """One run of `make up`: the stages share what the earlier ones found."""

    def __init__(self, root: Path, engines: Engines, supervisor: Supervisor, running: Running) -> None:
        self.root, self.engines, self.supervisor, self.running = root, engines, supervisor, running
        self.logs = engines.home / "log"
        self.marks = Marks(engines.home / "marks", identity="")
        self.url = ""

    def run(self, *, once: bool) -> int:
        progress = Progress(total=8, first=3)
        for name in ("database", "broker", "migrations", "demonstration", "console"):
            with progress.stage(name) as stage:
                getattr(self, name)(stage)
            if self.supervisor.stopping:
                return 130
        print(f"\nConsole ready in {_seconds_since_start():.1f} s: {self.url}\n", flush=True)
        with progress.stage("main job") as stage:
            code = self.main_job(stage)
        if once or self.supervisor.stopping:
            return code
        print(f"\n{self.url} · logs in {_short(self.logs)}/ · Ctrl-C stops everything and keeps the data", flush=True)
        self.supervisor.wait()
        return code

    def database(self, stage: Stage) -> None:
        """Start the embedded server, or look whether the named one can be used."""
        own = environment.has_own_database()
        started = not own and self.engines.start(self.engines.postgres)
        self.supervisor.environment = environment.development(self.root, self.engines)
        version, identity = marks.database(self.supervisor.environment["DATABASE_URL"])
        self.marks = Marks(self.engines.home / "marks", identity=identity)
        origin = "at DATABASE_URL" if own else "started" if started else "running already"
        stage.result = f"PostgreSQL {version} {origin}"

    def broker(self, stage: Stage) -> None:
        """Start the embedded broker, unless one is named: /readyz will tell whether that one answers."""
        if environment.has_own_broker():
            stage.result = f"at BROKER_URL ({marks.redacted(os.environ, 'BROKER_URL')})"
            return
        started = self.engines.start(self.engines.broker)
        stage.result = "Valkey started" if started else "Valkey running already"

    def migrations(self, stage: Stage) -> None:
        """Bring the schema up to date as its owner."""
        state = marks.digest(self.root, *SCHEMA)
        if self.marks.has("migrations", state=state):
            stage.result = "nothing to apply"
            return
        self._manage("migrate", "--database=owner", "--no-input", stage=stage)
        self.marks.set("migrations", state=state)
        stage.result = "schema up to date"

    def demonstration(self, stage: Stage) -> None:
        """Seed the demonstration's tenants, once per state of its files."""
        state = marks.digest(self.root, *DEMONSTRATION)
        if self.supervisor.environment.get("CONDUCTOR_DEMO") != "1":
            stage.result = "not wanted (CONDUCTOR_DEMO)"
            return
        if self.marks.has("demonstration", state=state):
            stage.result = "seeded already"
            return
        if not self.supervisor.stopping:
            self._manage("seed_demo", stage=stage)
            self.marks.set("demonstration", state=state)
        stage.result = "tenants, topology and a year of history seeded"

    def console(self, stage: Stage) -> None:
        """Start web, worker and beat, and wait until the console can do its work."""
        wanted = int(os.environ.get("CONDUCTOR_PORT") or environment.DEFAULT_PORT)
        port = ports.choose(wanted, stage=stage)
        self.url = f"http://127.0.0.1:{port}"
        self.supervisor.environment = environment.development(self.root, self.engines, base_url=self.url)
        for child in _children(port, self.logs):
            self.supervisor.start(child)
        if not self.supervisor.wait(lambda: _is_ready(port), seconds=READY_SECONDS) and not self.supervisor.stopping:
            raise Halt(f"The console did not get ready in {READY_SECONDS} s:\n{tail(self.logs / 'web.log')}")
        self.running.tell(url=self.url)
        stage.result = "web, worker and beat are running"

    def main_job(self, stage: Stage) -> int:
        """Run the main job unless it was completed on this database; then show what it found."""
        command = [sys.executable, "manage.py", "main_job"]
        if self.marks.has("main_job", state="completed"):
            stage.result = "completed earlier"
            return self.supervisor.run([*command, "--summary"])
        stage.say("incidents from alert to postmortem, backup to verified evidence")
        code = self.supervisor.run(command)
        if code == 0:
            self.marks.set("main_job", state="completed")
        stage.result = {0: "completed", 130: "interrupted"}.get(code, f"FAILED with exit code {code}")
        return code

    def _manage(self, *arguments: str, stage: Stage) -> None:
        """Run `manage.py` with its output in a log; Halt with its last lines when it fails."""
        log = self.logs / f"{arguments[0]}.log"
        log.unlink(missing_ok=True)
        code = self.supervisor.run([sys.executable, "manage.py", *arguments], log=log)
        if self.supervisor.stopping:
            raise KeyboardInterrupt
        if code:
            raise Halt(f"manage.py {arguments[0]} failed with exit code {code} ({log}):\n{tail(log)}")


def _children(port: int, logs: Path) -> list[Child]:
    """Web and beat stop first, so that nothing new arrives; then the worker finishes what it has begun."""
    python = sys.executable
    granian = [python, "-m", "granian", "conductor.wsgi:application", "--interface", "wsgi", "--no-ws",
               "--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "32",
               "--respawn-failed-workers", "--workers-kill-timeout", "8"]  # fmt: skip
    celery = [python, "-m", "celery", "-A", "conductor"]
    worker = [*celery, "worker", "-l", "INFO", "--without-mingle", "--without-gossip"]
    beat = [*celery, "beat", "-l", "INFO", "--pidfile="]
    return [
        Child("web", granian, logs / "web.log", order=0, grace_seconds=12),
        Child("worker", [*worker, "-c", "3", "-n", "general@%h"], logs / "worker.log", order=1, grace_seconds=30),
        # Whatever holds the others up, looks at slow trackers for one, incidents have workers of their own.
        Child(
            "worker for incidents",
            [*worker, "-c", "2", "-Q", "incident", "-n", "incident@%h"],
            logs / "worker-incident.log",
            order=1,
            grace_seconds=30,
        ),
        Child("beat", beat, logs / "beat.log", order=0),
    ]


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _revive(engines: Engines) -> None:
    for name in engines.revive():
        say(f"{name} had died and is started again")


def _stop_all(supervisor: Supervisor, engines: Engines, running: Running) -> None:
    began = time.monotonic()
    if supervisor.children:
        print("\nStopping the worker, the console and the engines ...", flush=True)
    supervisor.stop()
    stopped = engines.leave()
    running.release()
    kept = "the data are kept" if stopped else "the engines go on: another command uses them"
    print(f"Stopped in {time.monotonic() - began:.1f} s; {kept}.", flush=True)


def _seconds_since_start() -> float:
    return time.monotonic() - float(os.environ.get(STARTED_AT) or time.monotonic())


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
