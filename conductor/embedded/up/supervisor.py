"""Runs the children of `make up`: starts, restarts and stops them in order, and keeps what they say.

One thread does it all: the kernel ends a child when the thread that started it ends.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from conductor.embedded.progress import Halt
from conductor.embedded.up.private import UMASK, append_privately

PR_SET_PDEATHSIG = 1
LOG_BYTES = 20_000_000
TICK_SECONDS = 0.05
STEADY_SECONDS = 30
"""A child that lived this long is restarted without waiting longer than the first time."""
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 10.0
_libc = ctypes.CDLL(None)


@dataclass
class Child:
    """A program to keep running.

    `restart`: start it again when it ends; otherwise its end stops everything. `order`: lower ones are stopped first.
    `grace_seconds`: how long it may take after SIGTERM before it is killed. `log`: its output is appended there; the
    terminal where there is none.
    """

    name: str
    argv: Sequence[str]
    log: Path | None
    restart: bool = True
    order: int = 0
    grace_seconds: float = 20.0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    delay_seconds: float = FIRST_DELAY_SECONDS
    start_again_at: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Keeps children alive until a signal arrives. `tend` is called about every second besides."""

    directory: Path
    environment: Mapping[str, str]
    tend: Callable[[], None] = lambda: None
    children: list[Child] = field(default_factory=list)
    signals: int = 0
    _tended_at: float = 0.0

    @property
    def stopping(self) -> bool:
        return self.signals > 0

    def watch_signals(self) -> None:
        """Afterwards SIGINT, SIGTERM and SIGHUP ask for an orderly stop, a second one for a quick one."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def start(self, child: Child) -> None:
        """Start the child and keep it."""
        self.children.append(child)
        self._launch(child)

    def run(self, argv: Sequence[str], *, log: Path | None = None) -> int:
        """Run a program to its end beside the children; return its exit code. Output goes to `log` or the terminal.

        A signal ends it early with SIGTERM; the code is then 130.
        """
        job = Child(name=" ".join(argv[1:3]), argv=argv, log=log, grace_seconds=10)
        job.process = self._popen(job)
        while job.is_alive and not self.stopping:
            self._tick()
            time.sleep(TICK_SECONDS)
        if self.stopping:
            self._end([job])
            return 130
        return job.process.returncode

    def wait(self, until: Callable[[], bool] = lambda: False, *, seconds: float = float("inf")) -> bool:
        """Look after the children until the condition holds (True), a signal arrives or time is up (False).

        Raises Halt when a child ends that is not to be restarted.
        """
        end = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < end:
            if until():
                return True
            self._tick()
            time.sleep(TICK_SECONDS)
        return False

    def stop(self) -> None:
        """End all children, those of a lower order first, each with SIGTERM to its main process only."""
        for order in sorted({child.order for child in self.children}):
            self._end([child for child in self.children if child.order == order])
        self.children.clear()

    # Looking after them ------------------------------------------------------------------------

    def _tick(self) -> None:
        for child in self.children:
            if child.is_alive:
                continue
            if child.start_again_at is None:
                self._note_end(child)
            elif time.monotonic() >= child.start_again_at:
                self._launch(child)
        if time.monotonic() - self._tended_at > 1:
            self._tended_at = time.monotonic()
            self.tend()
            for child in self.children:
                if child.log:
                    _cut(child.log)

    def _note_end(self, child: Child) -> None:
        assert child.process is not None
        _kill_group(child.process.pid)  # Children of a dead child would work on, unseen.
        code = child.process.returncode
        if not child.restart:
            raise Halt(f"{child.name} ended with exit code {code}:\n{tail(child.log)}")
        steady = time.monotonic() - child.started_at > STEADY_SECONDS
        child.delay_seconds = FIRST_DELAY_SECONDS if steady else min(child.delay_seconds * 2, LONGEST_DELAY_SECONDS)
        child.start_again_at = time.monotonic() + child.delay_seconds
        say(f"{child.name} ended with exit code {code}; starting it again in {child.delay_seconds:.1f} s ({child.log})")

    def _launch(self, child: Child) -> None:
        child.process = self._popen(child)
        child.started_at, child.start_again_at = time.monotonic(), None

    def _popen(self, child: Child) -> subprocess.Popen[bytes]:
        output = _open_log(child.log) if child.log else None
        try:
            return subprocess.Popen(
                child.argv,
                cwd=self.directory,
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=UMASK,
                start_new_session=True,  # Ctrl-C reaches us only; we decide the order.
                preexec_fn=partial(_end_with, os.getpid()),
            )
        finally:
            if output:
                output.close()

    # Ending them -------------------------------------------------------------------------------

    def _end(self, group: Sequence[Child]) -> None:
        signals = self.signals
        for child in group:
            if child.is_alive and child.process is not None:
                child.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + max((child.grace_seconds for child in group), default=0)
        while time.monotonic() < end and self.signals < signals + 1 and any(child.is_alive for child in group):
            time.sleep(0.02)
        for child in group:
            if child.process is None:
                continue
            if child.is_alive:
                say(f"{child.name} did not stop in time: killing it")
            _kill_group(child.process.pid)
            child.process.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1


def tail(log: Path | None, lines: int = 20) -> str:
    """Return the last lines of a log, indented."""
    told = log.read_text(errors="replace").splitlines() if log and log.exists() else []
    return "\n".join(f"    {line}" for line in told[-lines:])


def say(text: str) -> None:
    """Print one line of the supervisor's own."""
    print(f"supervisor | {text}", flush=True)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _open_log(log: Path) -> IO[bytes]:
    return os.fdopen(append_privately(log), "ab")


def _cut(log: Path) -> None:
    """Move a long log's text to `.1`. Its writers append, so they go on at the new end."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copy(log, log.with_name(f"{log.name}.1"))  # with its mode
        os.truncate(log, 0)


def _end_with(parent: int) -> None:
    """In the child, before it becomes the program: have the kernel send SIGTERM when the supervisor dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
