"""A pytest plugin: with `-m fault` it prints which finding each test holds, an index made from the marks alone."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest


class Index:
    """Collects outcomes by finding, for instance `security-1`."""

    def __init__(self) -> None:
        self.findings: dict[str, list[str]] = {}
        self.outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("fault"):
                self.findings.setdefault(item.nodeid, []).extend(map(str, mark.args))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for finding in self.findings.get(report.nodeid, []):
                self.outcomes[finding][report.nodeid.partition("[")[0]].append(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        write("")
        write("findings and the tests that hold them:")
        for finding in sorted(self.outcomes, key=_natural):
            for test, outcomes in sorted(self.outcomes[finding].items()):
                bad = [each for each in outcomes if each != "passed"]
                write(f"  {finding:<16}{(bad or ['passed'])[0]:<9}{len(outcomes):>4}  {test}")
        write(f"{len(self.outcomes)} findings")


def register(config: pytest.Config) -> None:
    """Print the index when the marks were asked for."""
    if re.search(r"\bfault\b", config.getoption("markexpr") or ""):
        config.pluginmanager.register(Index(), "fault-index")


def _natural(finding: str) -> tuple[object, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", finding))
