"""`manage.py policy_test`: the Rego tests and their line coverage. Needs no database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conductor.policy.bundle import REGO_FOLDER, read_folder
from conductor.policy.opatest import Report, run_tests


class Command(BaseCommand):
    """Prints one line per file of tests and per file of rules; fails on a failed test or on thin coverage."""

    help = "Run the Rego tests (*_test.rego) and measure the line coverage of the rules."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rego", type=Path, default=REGO_FOLDER, help="Folder of Rego files")
        parser.add_argument("--coverage", type=float, default=90.0, help="Least line coverage of each file, percent")

    def handle(self, *args: Any, **options: Any) -> None:
        files = read_folder(options["rego"])
        if not files:
            raise CommandError(f"No Rego file in {options['rego']}.")
        try:
            report = run_tests(files)
        except RuntimeError as failure:
            raise CommandError(str(failure).partition("Stack backtrace:")[0].strip()) from failure
        self._print(report, least=options["coverage"])
        complaints = _complaints(report, least=options["coverage"])
        if complaints:
            raise CommandError(" ".join(complaints))

    def _print(self, report: Report, *, least: float) -> None:
        self.stdout.write(f"{'Tests':<24}{'run':>6}{'passed':>8}")
        for file in sorted({test.file for test in report.tests}):
            run = [test for test in report.tests if test.file == file and not test.skipped]
            self.stdout.write(f"{file:<24}{len(run):>6}{sum(test.passed for test in run):>8}")
        for test in report.failed():
            self.stdout.write(self.style.ERROR(f"FAIL  {test.name}  {test.error or 'is not true'}"))
        for test in report.tests:
            if test.skipped:
                self.stdout.write(self.style.WARNING(f"SKIP  {test.name}"))
        self.stdout.write(f"\n{'Rules':<24}{'lines':>6}{'covered':>8}{'percent':>9}  missed (at least {least:g} %)")
        for file_coverage in report.coverage:
            lines = file_coverage.covered + len(file_coverage.missed)
            missed = ", ".join(map(str, file_coverage.missed)) or "none"
            counts = f"{lines:>6}{file_coverage.covered:>8}{file_coverage.percent:>9.1f}"
            self.stdout.write(f"{file_coverage.file:<24}{counts}  {missed}")


def _complaints(report: Report, *, least: float) -> list[str]:
    failed, thin = report.failed(), report.uncovered(least=least)
    complaints = [] if report.tests else ["No test was found."]
    complaints += [f"{len(failed)} of {len(report.tests)} tests failed."] if failed else []
    complaints += [f"Coverage below {least:g} %: {', '.join(file.file for file in thin)}."] if thin else []
    return complaints
