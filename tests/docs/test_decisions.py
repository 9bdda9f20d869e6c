"""Decisions are numbered once, and what the code calls a document exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"docs/(?:[a-z]+/)*[A-Za-z0-9._-]+\.(?:md|json|png)")
PACKAGES = ("conductor", "adapters", "incidents", "controls", "evidence", "chatops")


def test_no_two_decisions_have_one_number() -> None:
    numbers = Counter(path.name.partition("-")[0] for path in (ROOT / "docs/decisions").glob("0*.md"))

    assert [number for number, times in numbers.items() if times > 1] == []


def test_every_document_that_the_code_names_exists() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    named = {found for path in sources for found in NAMED.findall(path.read_text())}

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_decision_that_the_code_names_exists() -> None:
    known = {path.name[:4] for path in (ROOT / "docs/decisions").glob("0*.md")}
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    named = {found for path in sources for found in re.findall(r"docs/decisions/(\d{4})", path.read_text())}

    assert named - known == set()
