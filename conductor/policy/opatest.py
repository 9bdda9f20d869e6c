"""Runs the `test_*` rules of Rego files and measures which lines of the rules they reach.

It reads the same files as `opa test`, in the same way: a test passes when its rule is true; `todo_test_*` is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regorus

from conductor.policy.bundle import TEST_SUFFIX


@dataclass(frozen=True)
class RegoTest:
    """One test and how it ended."""

    file: str
    name: str
    """Full path of the rule: `data.conductor.basis_test.test_…`."""
    passed: bool
    skipped: bool = False
    error: str = ""
    """What the engine said; empty when the rule was simply not true."""


@dataclass(frozen=True)
class Coverage:
    """The lines of one file of rules."""

    file: str
    covered: int
    missed: tuple[int, ...]
    """Line numbers, ascending."""

    @property
    def percent(self) -> float:
        """Share of the lines that some test reached; 100 where there is nothing to reach."""
        lines = self.covered + len(self.missed)
        return 100 * self.covered / lines if lines else 100.0


@dataclass(frozen=True)
class Report:
    """One run over a set of files."""

    tests: tuple[RegoTest, ...]
    coverage: tuple[Coverage, ...]

    def failed(self) -> tuple[RegoTest, ...]:
        """Return the tests that did not pass."""
        return tuple(test for test in self.tests if not test.passed and not test.skipped)

    def uncovered(self, *, least: float) -> tuple[Coverage, ...]:
        """Return the files whose coverage is below `least` percent."""
        return tuple(file for file in self.coverage if file.percent < least)


def run_tests(files: Mapping[str, str]) -> Report:
    """Run every test among `files` (name to Rego text) on one engine of this thread.

    Raises RuntimeError, with regorus' own words, when a file is not Rego.
    """
    engine = regorus.Engine()
    for name, text in sorted(files.items()):
        engine.add_policy(name, text)
    engine.set_enable_coverage(True)
    tests = tuple(_run(engine, file, rule) for file, rule in _tests_of(engine))
    return Report(tests=tests, coverage=_coverage_of(engine))


def rules_by_file(engine: Any) -> dict[str, list[str]]:
    """Return the full paths of the rules in each file, in their order; a rule in several parts counts once."""
    found: dict[str, dict[str, None]] = {}
    for module in json.loads(engine.get_ast_as_json()):
        package = _dotted(module["ast"]["package"]["refr"])
        names = found.setdefault(module["source"]["file"], {})
        names.update({f"data.{package}.{name}": None for rule in module["ast"]["rules"] if (name := _rule_name(rule))})
    return {file: list(names) for file, names in found.items()}


def _tests_of(engine: Any) -> list[tuple[str, str]]:
    """Return (file, full rule path) of each test, in the order of the files."""
    found = [(file, rule) for file, rules in rules_by_file(engine).items() for rule in rules]
    tests = [each for each in found if each[1].rpartition(".")[2].startswith(("test_", "todo_test_"))]
    return sorted(tests, key=lambda test: test[0])


def _rule_name(rule: dict[str, Any]) -> str:
    """Return the rule's own name, or nothing for default rules, which test nothing."""
    head = rule.get("Spec", {}).get("head", {})
    refs = [part["refr"] for part in head.values() if isinstance(part, dict) and "refr" in part]
    return _dotted(refs[0]) if refs else ""


def _dotted(refr: dict[str, Any]) -> str:
    if "Var" in refr:
        return str(refr["Var"]["value"])
    part = refr.get("RefDot") or refr.get("RefBrack") or {}
    if "refr" not in part:
        return ""
    field = part.get("field")
    last = field[1] if isinstance(field, list) else ""
    return f"{_dotted(part['refr'])}.{last}"


def _run(engine: Any, file: str, rule: str) -> RegoTest:
    if ".todo_test_" in rule:
        return RegoTest(file=file, name=rule, passed=False, skipped=True)
    try:
        return RegoTest(file=file, name=rule, passed=engine.eval_rule(rule) is True)
    except RuntimeError as failure:
        said = " ".join(str(failure).partition("Stack backtrace:")[0].split())
        return RegoTest(file=file, name=rule, passed=False, error=said)


def _coverage_of(engine: Any) -> tuple[Coverage, ...]:
    report = json.loads(engine.get_coverage_report_as_json())
    return tuple(
        Coverage(file=file["path"], covered=len(file["covered"]), missed=tuple(sorted(file["not_covered"])))
        for file in sorted(report["files"], key=lambda file: file["path"])
        if not file["path"].endswith(TEST_SUFFIX)
    )
