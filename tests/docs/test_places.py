"""The paths and make targets that texts name are there: a move of files or a new target does not leave them behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
OF_PLACES = ["CONTRIBUTING.md", "docs/explanation/architecture.md", "docs/explanation/upgrade-policy.md"]
MADE = {"dist"}
"""Folders that are made, and not kept."""
PATH = re.compile(r"`((?:[\w.]+/)(?:[\w.<>-]+/?)*)`")
TARGET = re.compile(r"`make ([a-z-]+)")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", OF_PLACES)
def test_every_path_that_says_where_things_are_exists(name: str) -> None:
    paths = [path for path in PATH.findall((ROOT / name).read_text()) if path.split("/")[0] not in MADE]

    assert paths
    assert [path for path in paths if not any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))] == []


def test_every_make_target_in_a_text_exists() -> None:
    named = {(str(page.relative_to(ROOT)), target) for page in PAGES for target in TARGET.findall(page.read_text())}
    named = {pair for pair in named if not pair[0].startswith("docs/decisions/")}

    assert len(named) > 20
    assert {pair for pair in named if pair[1] not in targets()} == set()


def test_every_target_is_in_one_group_of_the_help_and_phony() -> None:
    text = (ROOT / "Makefile").read_text()
    groups = re.findall(r"^##@ (\w+)$", text, re.MULTILINE)
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", text, re.MULTILINE)

    assert groups == ["Daily", "Release", "Special"]
    assert phony and set(phony[1].replace("\\", " ").split()) == targets()
