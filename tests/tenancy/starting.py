"""Starts the product's own processes, as production does, and waits until they end or serve."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer

from django.db import connections

from tests.database import ROOT

SECONDS = 120
PATIENCE = 10
SERVING = {"web": "Started worker-1", "worker": " ready.", "beat": "beat: Starting..."}
PYTHON = [sys.executable, "-u", "-W", "ignore", "-m"]


def safe(home: Path) -> dict[str, str]:
    """An environment in which production starts; the database is this test process's own."""
    default = connections["default"].settings_dict
    host = default["HOST"].replace("/", "%2F")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(home / "pyc")),
        "CONDUCTOR_ENV": "production",
        "CONDUCTOR_HOME": str(home),
        "CONDUCTOR_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
        "CONDUCTOR_BASE_URL": "https://conductor.example.test",
        "CONDUCTOR_ALLOWED_HOSTS": "conductor.example.test",
        "CONDUCTOR_KEK": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        "CONDUCTOR_EMAIL_HOST": "mail.example.test",
        "CONDUCTOR_METRICS_TOKEN": "metrics-token-of-this-test",
        "DATABASE_APP_URL": url(default["USER"], default["PASSWORD"], host, default["NAME"]),
        "BROKER_URL": "memory://",
    }


def url(user: str, password: str, host: str, name: str) -> str:
    return f"postgresql://{user}:{password}@/{name}?host={host}"


def python(code: str, environment: dict[str, str]) -> str:
    """Return what `code` prints with the product's settings."""
    told = environment | {"DJANGO_SETTINGS_MODULE": "conductor.settings"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, cwd=ROOT, env=told, text=True, capture_output=True, check=True).stdout


def start(process: str, environment: dict[str, str], *, serving: bool = True) -> tuple[int | None, str]:
    """Start `process`; return its exit code and all that it wrote, with None for the code once it serves.

    With `serving=False` it is expected to end, and is waited for.
    """
    commands = {
        "web": [
            "granian",
            "conductor.wsgi:application",
            "--interface",
            "wsgi",
            "--workers",
            "1",
            "--port",
            free_port(),
        ],
        "worker": ["celery", "-A", "conductor", "worker", "-c", "1", "-l", "INFO"],
        "beat": ["celery", "-A", "conductor", "beat", "-l", "INFO", "--pidfile="],
    }
    child = subprocess.Popen(
        [*PYTHON, *commands[process]],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    return _watch(child, SERVING[process] if serving else "")


def _watch(child: subprocess.Popen[str], serving: str) -> tuple[int | None, str]:
    assert child.stdout is not None
    written = ""
    watch = Timer(SECONDS, child.kill)
    watch.start()
    try:
        for line in child.stdout:
            written += line
            if serving and serving in line:
                return None, written
        return child.wait(SECONDS), written
    finally:
        watch.cancel()
        _end(child)
        child.stdout.close()


def _end(child: subprocess.Popen[str]) -> None:
    """End the process with all that it started. One that has just begun to serve may not hear the first word."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def free_port() -> str:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
