"""Counterparts are brought when a test needs them and never otherwise; what is not here is named with its package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conductor.embedded.progress import Halt
from tests.harness import counterparts


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A checkout without counterparts; returns the packages that apt-get was asked to install, which it does not."""
    asked: list[str] = []

    def install(names: list[str]) -> None:
        asked.extend(names)
        raise Halt("no network")

    monkeypatch.setattr(counterparts, "ROOT", tmp_path)
    monkeypatch.setattr(counterparts, "PACKAGES", {"no-such-program": "nosuch1"})
    monkeypatch.setattr(counterparts, "LIBRARIES", {"no-such-program": {"libnobody.so.9": "libnobody9"}})
    monkeypatch.setattr(counterparts.os, "geteuid", lambda: 0)
    monkeypatch.setattr(counterparts.debian, "available", lambda: True)
    monkeypatch.setattr(counterparts.debian, "install", install)
    monkeypatch.delenv(counterparts.RUN, raising=False)
    counterparts.need.cache_clear()
    return asked


def test_a_library_that_cannot_be_loaded_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterparts, "LIBRARIES", {"sh": {"libc.so.6": "libc6", "libnobody.so.9": "libnobody9"}})

    assert counterparts.missing("sh") == ["libnobody9"]


def test_a_skip_names_what_to_install() -> None:
    with pytest.raises(pytest.skip.Exception, match="apt-get install nosuch1 libnobody9"):
        counterparts.need("no-such-program")


def test_nothing_is_installed_for_a_plain_pytest(machine: list[str]) -> None:
    with pytest.raises(pytest.skip.Exception):
        counterparts.need("no-such-program")

    assert machine == []


def test_a_run_tries_once_to_install_what_is_missing_and_the_next_run_again(
    machine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for run, tries in (("1", 1), ("1", 1), ("2", 2)):
        monkeypatch.setenv(counterparts.RUN, run)
        with pytest.raises(pytest.skip.Exception):
            counterparts.need("no-such-program")
        assert machine == ["nosuch1", "libnobody9"] * tries


def test_a_program_unpacked_beside_the_project_is_found(tmp_path: Path) -> None:
    program = tmp_path / ".sys/daemons/usr/bin/promtool"
    program.parent.mkdir(parents=True)
    program.touch()

    assert counterparts.need("promtool") == str(program)


def test_every_counterpart_that_a_test_is_marked_with_is_known() -> None:
    root = Path(__file__).resolve().parents[2]
    script = "from tests.harness import counterparts as c; print(*c.PACKAGES, *c.DAEMONS, *c.SERVERS)"
    known = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True).stdout
    marked = [
        line.split('counterpart("')[1].split('"')[0]
        for path in (root / "tests").rglob("test_*.py")
        for line in path.read_text().splitlines()
        if line.lstrip().startswith(("@pytest.mark.counterpart(", "pytestmark = pytest.mark.counterpart("))
    ]

    assert marked and set(marked) <= set(known.split())
