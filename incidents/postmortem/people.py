"""The sections that only people can write. The draft leaves them with a question, and says that nobody has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.postmortem.blocks import Block, block
from incidents.story import Story

ASKED = {
    "factors": "What had to come together for this to happen? Name several; a single cause is rarely the whole story.",
    "helped": "What kept it from being worse?",
    "harder": "What made it harder to notice, to understand or to stop?",
    "lessons": "What surprised you? What will you do differently, and what should others know?",
}
"""Section -> the question that its writer answers."""
UNWRITTEN = "Nobody has written this yet."
SILENT = "The record says nothing about this."
"""What a draft says where the record has nothing. Neither is a statement about the incident."""


def unwritten(story: Story) -> list[Block]:
    """Say that nobody has written this. The whole record was searched for it."""
    return [block(UNWRITTEN, story.seqs)]


def is_statement(made: Mapping[str, Any]) -> bool:
    """Return whether the block says something about the incident, and not only that nothing is said."""
    return made["text"].strip() not in {"", UNWRITTEN, SILENT}


def is_written(section: Mapping[str, Any]) -> bool:
    """Return whether a person has written the section, and what they wrote says something."""
    return bool(section.get("edited")) and any(is_statement(each) for each in section["blocks"])
