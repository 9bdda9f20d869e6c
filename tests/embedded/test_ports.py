"""Two `make up` on one machine never share a port, not even when both look before either listens."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conductor.embedded.progress import Halt, Progress
from conductor.embedded.up import ports

HOLD = """
import sys
from pathlib import Path
from conductor.embedded.up import ports
print(ports._hold(Path(sys.argv[1]), int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def wanted() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_another_process_only_holds_is_passed_over(wanted: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path), str(wanted)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with Progress(total=1).stage("console") as stage:
            chosen = ports.choose(wanted, stage=stage, folder=tmp_path)
        other.communicate()

    assert wanted < chosen < wanted + ports.PORTS_TO_TRY


def test_a_port_that_somebody_listens_on_is_passed_over(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Progress(total=1).stage("console") as stage:
        taken = listener.getsockname()[1]
        assert ports.choose(taken, stage=stage, folder=tmp_path) > taken


def test_where_every_port_is_held_it_says_how_to_name_another(wanted: int, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(Halt, match="CONDUCTOR_PORT=9000"), Progress(total=1).stage("console") as stage:
        ports.choose(wanted, stage=stage, folder=missing)
