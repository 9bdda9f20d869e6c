"""The primary dies, the standby takes over: runs end, nothing is doubled, what was acknowledged is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.stage import ROOT

pytestmark = pytest.mark.full


def _play(folder: Path, *arguments: str) -> dict[str, Any]:
    path = folder / "told.json"
    command = [sys.executable, "-m", "tests.chaos.failover", *arguments, "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def test_runs_go_on_at_the_standby_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    told = _play(tmp_path, "runs", "--runs", "60")

    assert told["runs"] == 60
    assert told["must_be_zero"] == dict.fromkeys(told["must_be_zero"], 0), told["complaints"]
    assert told["acknowledged"] > 60, "the primary was killed in the middle of runs"
    assert told["acknowledged_and_gone"] == 0
    assert told["restarts"] == 0, "workers and beats reconnect by themselves"


def test_what_is_acknowledged_is_worth_what_the_primary_waits_for(tmp_path: Path) -> None:
    assert _play(tmp_path, "acknowledged") == {
        "commit_waits_for_a_standby_that_is_away": True,
        "acknowledged_with_waiting_is_there": True,
        "acknowledged_without_waiting": True,
        "acknowledged_without_waiting_is_there": False,
    }
