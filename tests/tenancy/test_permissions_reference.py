"""docs/reference/permissions.md says what the code says."""

from __future__ import annotations

from pathlib import Path

from conductor.tenancy.roles import PERMISSIONS, ROLE_PERMISSIONS, SCOPES, Role
from conductor.tenancy.sessions.authentication import Authentication

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/permissions.md").read_text(encoding="utf-8")


def _rows(heading: str) -> dict[str, list[str]]:
    """Return the first table below the heading: first cell, bare of backticks, to the other cells."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_table_of_roles_is_that_of_the_code() -> None:
    order = (Role.RESPONDER, Role.COMMANDER, Role.AUDITOR, Role.ADMIN)

    assert _rows("What each role holds") == {
        name: [sentence[0].lower() + sentence[1:]]
        + ["yes" if name in ROLE_PERMISSIONS[role.value] else "–" for role in order]
        for name, sentence in PERMISSIONS.items()
    }


def test_the_table_of_scopes_is_that_of_the_code() -> None:
    assert _rows("What a token's scope lets through") == {
        scope: [", ".join(f"`{name}`" for name in sorted(held))] for scope, held in SCOPES.items()
    }


def test_the_page_names_every_way_to_authenticate() -> None:
    assert set(_rows("How surely somebody is who they say")) == {each.value for each in Authentication}
