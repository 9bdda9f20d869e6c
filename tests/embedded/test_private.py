"""Data, logs and documents of `make up` are readable by whoever runs it only."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from conductor.embedded.up.private import append_privately, make_private
from conductor.embedded.up.supervisor import Supervisor

pytestmark = pytest.mark.fault("security-8")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "var"
    (home / "log").mkdir(parents=True, mode=0o755)
    (home / "out").mkdir(mode=0o755)
    (home / "log/web.log").write_text("Forbidden")
    (home / "log/web.log").chmod(0o644)

    make_private(home, named=False)
    os.close(append_privately(home / "log/web.log"))

    assert mode(home) & 0o066 == 0
    assert (mode(home / "log"), mode(home / "out"), mode(home / "log/web.log")) == (0o700, 0o700, 0o600)
    assert (home / "log/web.log").read_text() == "Forbidden"


def test_a_folder_that_somebody_named_keeps_its_own_mode_and_a_new_one_is_private(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)

    make_private(shared, named=True)
    make_private(tmp_path / "new", named=True)

    assert mode(shared) == 0o755
    assert mode(tmp_path / "new") & 0o066 == 0


def test_what_a_child_writes_and_says_is_private(tmp_path: Path) -> None:
    supervisor = Supervisor(directory=tmp_path, environment=os.environ)
    code = "import pathlib; pathlib.Path('out').mkdir(); pathlib.Path('out/pack.zip').write_text('x'); print('said')"

    assert supervisor.run([sys.executable, "-c", code], log=tmp_path / "log/job.log") == 0

    assert "said" in (tmp_path / "log/job.log").read_text()
    written = [tmp_path / name for name in ("log", "log/job.log", "out", "out/pack.zip")]
    assert [path.name for path in written if mode(path) & 0o077] == []
