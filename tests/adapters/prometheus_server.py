"""A real Prometheus on the loopback, loaded with recorded series (Debian's prometheus package)."""

from __future__ import annotations

import csv
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.harness import counterparts

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).with_name("fixtures") / "nab-request-latency.csv"
METRIC = 'request_latency{service="checkout"}'


def recorded() -> list[tuple[datetime, float]]:
    """Return the recorded series: a moment and a value every five minutes."""
    with RECORDED.open() as file:
        return [
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), float(row["value"]))
            for row in csv.DictReader(file)
        ]


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Yield the address of a server that holds the recorded series; skip where there is no Prometheus."""
    server_program, tool = counterparts.need("prometheus"), counterparts.need("promtool")
    _load(folder, tool)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [server_program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
               "--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(server, f"http://{address}")
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _load(folder: Path, tool: str) -> None:
    lines = [f"{METRIC} {value} {at.timestamp():.0f}\n" for at, value in recorded()]
    text = folder / "recorded.om"
    text.write_text("# TYPE request_latency gauge\n" + "".join(lines) + "# EOF\n")
    subprocess.run(
        [tool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")],
        check=True,
        capture_output=True,
    )


def _wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("Prometheus did not get ready")
