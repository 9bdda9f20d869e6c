"""A real Roundup on the loopback, with the classic schema and SQLite (PyPI's roundup, in an environment of its own)."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.kinds.roundup.adapter import Roundup
from adapters.kinds.roundup.config import Config, Secrets
from adapters.ports.installation import Installation
from tests.harness import counterparts

PROGRAMS = Path(__file__).parents[2] / ".sys/roundup/bin"
PASSWORD = "only-for-this-test"
USERNAME = "admin"


@dataclass(frozen=True)
class Tracker:
    """A running tracker."""

    url: str
    """Without a slash at its end."""

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of an adapter for it."""
        return {"url": self.url, "username": USERNAME, "allow_loopback": True, "timeout_seconds": 10}

    @property
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}

    def adapter(self, **settings: Any) -> Roundup:
        """Return an adapter for it, made without a database."""
        return Roundup(
            config=Config.model_validate({**self.settings, **settings}),
            secrets=Secrets.model_validate(self.secrets),
            installation=Installation(keys_dir=Path("/nowhere"), development=True),
        )


@contextmanager
def roundup() -> Iterator[Tracker]:
    """Yield a tracker without tickets; skip where there is no Roundup."""
    counterparts.need("roundup-server")
    user = _user()
    home = Path(tempfile.mkdtemp(prefix="roundup-"))
    try:
        port = _free_port()
        _make_tracker(home / "tracker", port)
        as_user = []
        if user is not None:  # the server refuses to run as root
            as_user = ["-u", user.pw_name]
            for path in (home, *home.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        # Its own request log would grow between tests; what it prints is kept for the error message.
        log = home / "server.log"
        command = [str(PROGRAMS / "roundup-server"), *as_user, "-n", "127.0.0.1", "-p", str(port)]
        with log.open("wb") as said:
            server = subprocess.Popen([*command, f"tracker={home / 'tracker'}"], stdout=said, stderr=said)
        try:
            _wait_until_ready(server, f"http://127.0.0.1:{port}/tracker/", log)
            yield Tracker(f"http://127.0.0.1:{port}/tracker")
        finally:
            server.terminate()
            server.wait(timeout=20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Return whom a server started by root runs as; None where the tests do not run as root."""
    if os.geteuid() != 0:
        return None
    if closed := [each for each in PROGRAMS.parents if each.exists() and not each.stat().st_mode & 0o001]:
        pytest.skip(f"Roundup does not run as root, and nobody else may enter {closed[-1]}")
    for name in ("www-data", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("Roundup does not run as root, and there is neither www-data nor nobody")


def _make_tracker(home: Path, port: int) -> None:
    admin = [str(PROGRAMS / "roundup-admin"), "-i", str(home)]
    subprocess.run([*admin, "install", "classic", "sqlite"], check=True, capture_output=True)
    settings = home / "config.ini"
    text = settings.read_text()
    told = {"web": f"http://127.0.0.1:{port}/tracker/", "domain": "localhost", "host": "localhost", "password": "none"}
    for name, value in told.items():
        text = text.replace(f"#{name} = NO DEFAULT", f"{name} = {value}").replace(
            f"{name} = NO DEFAULT", f"{name} = {value}"
        )
    # Every call signs in, and the tracker's own strength would cost most of a second each time.
    text = re.sub(r"(?m)^#?password_pbkdf2_default_rounds = \d+", "password_pbkdf2_default_rounds = 1000", text)
    settings.write_text(text)
    subprocess.run([*admin, "initialise", PASSWORD], check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Roundup did not get ready: {log.read_text(errors='replace')[-800:]}")
