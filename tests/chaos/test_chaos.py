"""Every run ends and each effect happens exactly once, whatever is killed, stopped, wiped or doubled meanwhile."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.drive import STOP_AT
from tests.chaos.faults import PLACES
from tests.chaos.stage import ROOT


def _drive(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the driver in a process of its own: its PostgreSQL is crashed, and this process's must not be."""
    path = folder / "counts.json"
    command = [sys.executable, "-m", "tests.chaos.drive", "--json", str(path), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert path.exists(), done.stderr
    counts: dict[str, Any] = json.loads(path.read_text())
    assert counts["must_be_zero"] == dict.fromkeys(counts["must_be_zero"], 0)
    assert done.returncode == 0
    return counts


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_few_runs_survive_every_kind_of_fault(tmp_path: Path) -> None:
    counts = _drive(tmp_path, "--runs", "24", "--once", "--every", "0.3", "--seconds", "300")

    assert counts["runs"] == 24
    kinds = {name for name in counts["faults"] if name.startswith("worker killed: ")}
    assert len(kinds) >= len(PLACES) - 2, "a place that nobody passes after the fault was armed is not struck"


@pytest.mark.full
def test_five_hundred_runs_survive_random_faults(tmp_path: Path) -> None:
    counts = _drive(tmp_path, "--runs", "500")

    assert counts["runs"] == 500
    assert {f"worker killed: {place}" for place in PLACES} <= set(counts["faults"])
    assert {f"worker paused past its lease: {place}" for place in STOP_AT} <= set(counts["faults"])
    assert counts["late"], "no late write was refused, so none was tried"


@pytest.mark.full
@pytest.mark.parametrize(("broker", "port"), [("rabbitmq", 5672), ("redis", 6379)])
def test_other_brokers_make_no_difference(tmp_path: Path, broker: str, port: int) -> None:
    if not _listens(port):
        pytest.skip(f"no {broker} at 127.0.0.1:{port}")
    if broker == "rabbitmq" and not shutil.which("rabbitmqctl"):
        pytest.skip("rabbitmqctl is missing: the test needs a virtual host of its own")
    assert _drive(tmp_path, "--runs", "80", "--broker", broker, "--seconds", "1200")["runs"] == 80
