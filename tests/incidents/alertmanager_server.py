"""A real Alertmanager on the loopback (Debian's prometheus-alertmanager), for tests that want its own notifications."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from conductor.lib.clock import rfc3339
from tests.harness import counterparts

ROOT = Path(__file__).parents[2]
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
CONFIG = """
route:
  receiver: conductor
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: {repeat}
receivers:
  - name: conductor
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization: {{credentials_file: {token}}}
"""


class Alertmanager:
    """The server as a test sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def say(self, labels: dict[str, str], *, starts_at: datetime, ends_at: datetime | None = None) -> None:
        """Tell it what Prometheus would: that an alert fires, or has ended (API v2)."""
        alert: dict[str, Any] = {
            "labels": labels,
            "annotations": {"summary": "Cards are declined"},
            "startsAt": rfc3339(starts_at),
            "generatorURL": "http://prometheus.test/graph",
        }
        if ends_at is not None:
            alert["endsAt"] = rfc3339(ends_at)
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps([alert]).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200


@contextmanager
def alertmanager(folder: Path, *, receiver: str, token: str, repeat: str = "1s") -> Iterator[Alertmanager]:
    """Yield a server that notifies `receiver` with a bearer token; skip where there is no Alertmanager."""
    program = _program()
    (folder / "token").write_text(token)
    settings = folder / "alertmanager.yml"
    settings.write_text(CONFIG.format(url=receiver, token=folder / "token", repeat=repeat))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = folder / "alertmanager.log"
    command = [*program, f"--config.file={settings}", f"--storage.path={folder}/data",
               f"--web.listen-address={address}", "--cluster.listen-address="]  # fmt: skip
    with log.open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        _wait_until_ready(server, f"http://{address}", log)
        yield Alertmanager(f"http://{address}")
    finally:
        server.terminate()
        server.wait(timeout=20)


def _program() -> list[str]:
    """Return the words that start it; skip where it is not here, or cannot be started."""
    program = counterparts.need("prometheus-alertmanager")
    if TEMPLATES.exists():
        return [program]
    # Debian's build reads its templates there and nowhere else: an unpacked one gets a /usr/share of its own.
    share = Path(program).parents[1] / "share"
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    inside = ["unshare", "--mount", *root, "sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"', str(share)]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("an unpacked Alertmanager needs a mount namespace, and none can be made here")
    return [*inside, program]


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Alertmanager did not get ready: {log.read_text(errors='replace')[-800:]}")
