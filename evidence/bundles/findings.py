"""Findings: what each check of a bundle expected, met and concluded. No assurance words: a person concludes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from conductor.lib.errors import Invalid
from evidence.models import EvidenceBundle

PASS = "pass"  # noqa: S105 - a result
EXCEPTION = "exception"
NOT_CHECKED = "not_checked"
RESULTS = (PASS, EXCEPTION, NOT_CHECKED)
_FIELDS = ("check", "title", "expected", "actual", "result", "detail")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    check: str
    """Short id within the workflow: R3."""
    title: str
    expected: str
    actual: str
    result: str
    """One of RESULTS."""
    detail: str = ""
    """What to look at, for an exception: names of tables, of files."""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class FindingCounts:
    """How many checks passed, and out of how many. `checked` leaves out those that could not be made."""

    total: int
    passed: int
    exceptions: int

    @property
    def not_checked(self) -> int:
        return self.total - self.passed - self.exceptions

    @property
    def checked(self) -> int:
        return self.passed + self.exceptions


def parse_finding(value: Mapping[str, Any]) -> Finding:
    """Return the finding of a JSON object; raise Invalid naming what is wrong with it."""
    unknown = sorted(set(value) - set(_FIELDS))
    missing = [name for name in ("check", "title", "result") if not value.get(name)]
    wrong = [name for name in _FIELDS if not isinstance(value.get(name, ""), str)]
    if unknown or missing or wrong or value["result"] not in RESULTS:
        said = f"unknown: {unknown}, missing: {missing}, not text: {wrong}, result: {value.get('result')!r}"
        raise Invalid(fields={"findings": [f"A finding is not well formed ({said})."]})
    return Finding(**{name: str(value.get(name, "")) for name in _FIELDS})


def counts(findings: Iterable[Mapping[str, Any]]) -> FindingCounts:
    """Count the findings of a bundle by result."""
    results = [finding["result"] for finding in findings]
    return FindingCounts(len(results), results.count(PASS), results.count(EXCEPTION))


def conclusion_of(findings: Iterable[Mapping[str, Any]]) -> str:
    """Return what follows from the findings: any exception shows, and without a single check nothing follows."""
    counted = counts(findings)
    if counted.exceptions:
        return EvidenceBundle.Conclusion.EXCEPTIONS.value
    if not counted.passed:
        return EvidenceBundle.Conclusion.INCONCLUSIVE.value
    return EvidenceBundle.Conclusion.NO_EXCEPTIONS.value


def conclusions_from(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the conclusions that a person may draw: never a better one than what follows from the findings."""
    Conclusion = EvidenceBundle.Conclusion
    listed = list(findings)
    follows = conclusion_of(listed)
    if follows == Conclusion.NO_EXCEPTIONS:
        return [each.value for each in (Conclusion.NO_EXCEPTIONS, Conclusion.INCONCLUSIVE, Conclusion.EXCEPTIONS)]
    if follows == Conclusion.EXCEPTIONS or not listed:
        return [follows]
    return [Conclusion.INCONCLUSIVE.value, Conclusion.EXCEPTIONS.value]
