"""The commands that look, stop and remove work in a checkout where nothing was installed yet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def unprepared(tmp_path: Path) -> Path:
    """A copy of what these commands run, without a `.venv`."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "conductor/embedded", tmp_path / "conductor/embedded", ignore=skipped)
    shutil.copy(ROOT / "conductor/__init__.py", tmp_path / "conductor")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("doctor", 1, "there is no .venv: run make up"),
        ("status", 3, "not running"),
        ("stop", 0, ""),
        ("reset", 0, ""),
    ],
)
def test_a_command_that_installs_nothing_works_on_the_standard_library_alone(
    unprepared: Path, command: str, code: int, said: str
) -> None:
    # Without site packages, as those of the tests would serve in place of a `.venv`.
    arguments = [sys.executable, "-S", "-m", "conductor.embedded.bootstrap", command]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(unprepared)}
    done = subprocess.run(arguments, cwd=unprepared, env=environment, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
