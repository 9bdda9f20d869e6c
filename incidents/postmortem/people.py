"""The sections that only people can write. The draft leaves them with a question, and says that nobody has answered."""

from __future__ import annotations

from incidents.postmortem.blocks import Block, block
from incidents.story import Story

ASKED = {
    "factors": "What had to come together for this to happen? Name several; a single cause is rarely the whole story.",
    "helped": "What kept it from being worse?",
    "harder": "What made it harder to notice, to understand or to stop?",
    "lessons": "What surprised you? What will you do differently, and what should others know?",
}
"""Section -> the question that its writer answers."""


def unwritten(story: Story) -> list[Block]:
    """Say that nobody has written this. The whole record was searched for it."""
    return [block("Nobody has written this yet.", story.seqs)]
