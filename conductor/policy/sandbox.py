"""Evaluating rules that people uploaded: in a few subprocesses, each killed when it does not answer in time.

regorus has no time limit of its own, and a policy of six lines can run for hours. A killed process is a failure of
the engine, and so a denial.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conductor.policy.engine import EngineFailure
from conductor.policy.sandbox_child import ANSWER_BYTES, HEADER

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
WAIT_SECONDS = 5.0
"""How long a request waits for a free process, or behind another request of the same tenant."""
ENDED = "the process that evaluates uploaded rules has ended"


class SandboxTimeout(EngineFailure):
    """The rules took longer than they may."""


class _Process:
    """One child. Used by one thread at a time; dead for good after any fault."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "conductor.policy.sandbox_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},  # none of ours: it holds secrets
            start_new_session=True,
        )
        try:
            self._receive(time.monotonic() + START_SECONDS)
        except EngineFailure:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._child.pid

    def ask(self, request: Mapping[str, Any], seconds: float) -> Any:
        """Return the answer; on any fault kill the child and raise EngineFailure."""
        try:
            return self._send_and_wait({**request, "seconds": seconds}, patience=seconds)
        except EngineFailure:
            self.kill()
            raise
        except (OSError, ValueError) as fault:
            self.kill()
            raise EngineFailure(ENDED) from fault

    def kill(self) -> None:
        """End the child now, whatever it does, and reap it."""
        self._child.kill()
        self.close()
        self._child.wait()

    def close(self) -> None:
        """Let go of the pipes, without ending the child."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send_and_wait(self, request: Mapping[str, Any], *, patience: float) -> Any:
        assert self._child.stdin is not None
        body = json.dumps(request).encode()
        self._child.stdin.write(HEADER.pack(len(body)) + body)
        self._child.stdin.flush()
        return self._receive(time.monotonic() + patience)

    def _receive(self, deadline: float) -> Any:
        (size,) = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if size > ANSWER_BYTES:
            raise EngineFailure("the answer is too large")
        return json.loads(self._exactly(size, deadline))

    def _exactly(self, size: int, deadline: float) -> bytes:
        assert self._child.stdout is not None
        handle, parts = self._child.stdout.fileno(), bytearray()
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise SandboxTimeout("the rules did not answer in time")
            part = os.read(handle, size - len(parts))
            if not part:
                raise EngineFailure(ENDED)
            parts += part
        return bytes(parts)


class Sandbox:
    """A few such processes, started when first needed. Safe for threads; a forked child starts its own."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._fresh()

    def ask(self, request: Mapping[str, Any], *, seconds: float, tenant: str) -> Any:
        """Return the child's answer to `request`; raise EngineFailure with the engine's own words.

        One request of a tenant at a time, so that no tenant's slow rules take every process.
        """
        with self._turn(tenant) as process:
            answer = process.ask(request, seconds)
            self._idle.append(process)
        if "error" in answer:
            raise EngineFailure(answer["error"])
        return answer

    def close(self) -> None:
        """Kill every idle process."""
        while self._idle:
            self._idle.pop().kill()

    @contextlib.contextmanager
    def _turn(self, tenant: str) -> Iterator[_Process]:
        with self._guard:
            mine = self._tenants[tenant]
        with _held(mine), _held(self._slots):
            try:
                process = self._idle.pop()
            except IndexError:
                process = _Process()
            yield process

    def _fresh(self) -> None:
        self._guard = threading.Lock()
        self._tenants: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._slots = threading.BoundedSemaphore(self._size)
        self._idle: list[_Process] = []

    def forget(self) -> None:
        """After a fork: the processes are the parent's, so let go of their pipes and begin anew."""
        for process in self._idle:
            process.close()
        self._fresh()


@contextlib.contextmanager
def _held(lock: threading.Lock | threading.BoundedSemaphore) -> Iterator[None]:
    if not lock.acquire(timeout=WAIT_SECONDS):
        raise SandboxTimeout("other rules are being evaluated and did not finish in time")
    try:
        yield
    finally:
        lock.release()


SANDBOX = Sandbox(size=2)
"""This process's."""
atexit.register(SANDBOX.close)
os.register_at_fork(after_in_child=SANDBOX.forget)
