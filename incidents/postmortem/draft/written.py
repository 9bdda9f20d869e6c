"""The sections that only people can write. A draft leaves them empty; their writers are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from incidents.models.choices import Written
from incidents.models.postmortem import Postmortem
from incidents.record.phrases import name_list

ASKED = {
    "factors": "What had to come together for this to happen? Name several; a single cause is rarely the whole story.",
    "helped": "What kept it from being worse?",
    "harder": "What made it harder to notice, to understand or to stop?",
    "lessons": "What surprised you? What will you do differently, and what should others know?",
}
"""Section -> the question that its writer answers."""
TITLES = {each.value: str(each.label) for each in Written}
UNWRITTEN = "Nobody has written this yet."
SILENT = "The record says nothing about this."
"""What drafts of earlier releases said where there was nothing. Neither is a statement about the incident."""


def is_statement(made: Mapping[str, Any]) -> bool:
    """Return whether the block says something about the incident, and not only that nothing is said."""
    return made["text"].strip() not in {"", UNWRITTEN, SILENT}


def is_written(section: Mapping[str, Any]) -> bool:
    """Return whether a person has written the section, and what they wrote says something."""
    return bool(section.get("edited")) and any(is_statement(each) for each in section["blocks"])


def statements(section: Mapping[str, Any]) -> list[Any]:
    """Return the section's blocks that say something; a section without any is not printed."""
    return [each for each in section["blocks"] if is_statement(each)]


def blank(sections: Iterable[Mapping[str, Any]], *, required: Iterable[str]) -> list[str]:
    """Return which of the required sections nobody has written, in reading order."""
    written = {section["key"] for section in sections if is_written(section)}
    wanted = set(required)
    return [key for key in ASKED if key in wanted and key not in written]


def waiver_words(postmortem: Postmortem) -> str:
    """Return what the approver accepted as blank, and why; empty where nothing was."""
    if not postmortem.waived:
        return ""
    names = name_list([TITLES.get(key, key).lower() for key in postmortem.waived])
    return f"{postmortem.approved_by_name} approved it without {names}: {postmortem.waiver_reason}"
