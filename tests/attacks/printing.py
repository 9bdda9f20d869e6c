"""A pytest plugin: run the matrix's tests and print it. `make attacks`."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.matrix import ATTACKS, NOT_BUILT, NOT_SHOWN, Attack

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 118


class Matrix:
    """Collects outcomes by the test's name without its parameters."""

    def __init__(self) -> None:
        self.outcomes: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid.partition("[")[0]].append(report.outcome)

    def shown(self, attack: Attack) -> str:
        """Return how the attack's tests went."""
        outcomes = [each for test in attack.tests for each in self.outcomes.get(test, ["not run"])]
        if not outcomes:
            return "no test"
        worst = next((each for each in ("failed", "not run", "skipped") if each in outcomes), "")
        return f"{worst.upper()} {outcomes.count(worst)}/{len(outcomes)}" if worst else f"{len(outcomes)} passed"

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        write("")
        write(f"{'':<5}{'attack':<47}{'detector':<43}{'verdict':<12}tests")
        for attack in ATTACKS:
            write(f"T{attack.number:<4}{attack.what:<47}{attack.detector:<43}{attack.verdict:<12}{self.shown(attack)}")
            if attack.limit:
                write(textwrap.fill(f"but: {attack.limit}", WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 12))
        limits = sum(bool(each.limit) for each in ATTACKS)
        write("")
        write(f"{len(ATTACKS)} attacks, {limits} with a limit that is said")
        for verdict in (NOT_BUILT, NOT_SHOWN):
            which = [f"T{each.number}" for each in ATTACKS if each.verdict == verdict]
            write(f"{verdict}: {', '.join(which) or 'none'}")


def pytest_configure(config: pytest.Config) -> None:
    """Run exactly the tests of the matrix, whatever else was asked for."""
    config.args[:] = sorted({str(ROOT / test) for attack in ATTACKS for test in attack.tests})
    config.pluginmanager.register(Matrix(), "attack-matrix")
