"""The last section: what is missing, said once, so that nobody takes silence for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from incidents.models.choices import EventKind, Role
from incidents.postmortem.draft.blocks import Block, block
from incidents.postmortem.draft.consequences import unpriced
from incidents.postmortem.draft.reporting import unanswered
from incidents.postmortem.draft.written import ASKED, TITLES, statements
from incidents.postmortem.record import Story
from incidents.record.metrics import State
from incidents.record.wording import name_list

_NOTHING = {
    "measured": "values from a metrics source",
    "decisions": "a decision",
    "communication": "a word to anybody beyond the response",
    "actions": "an action item",
}
"""Section -> what the record does not hold where it is empty."""


def missing(story: Story, sections: Iterable[Mapping[str, Any]]) -> list[Block]:
    """What nobody has written, what the record does not hold, and what cannot be measured. It was searched whole."""
    searched = story.seqs
    empty = {section["key"] for section in sections if not statements(section)}
    blocks = []
    if unwritten := [TITLES[key].lower() for key in ASKED if key in empty]:
        blocks.append(block(f"Not written: {name_list(unwritten)}.", searched))
    absent = [words for key, words in _NOTHING.items() if key in empty]
    if not story.incident.service:
        absent.append("the affected service")
    if not story.incident.impact and not story.of(EventKind.IMPACT_CHANGED):
        absent.append("how many were affected")
    if absent:
        blocks.append(block(f"Not on record: {name_list(absent)}.", searched))
    if questions := unanswered(story):
        blocks.append(block(f"Not answered: {' '.join(questions)}", searched))
    if vacant := _vacant(story):
        blocks.append(block(f"Nobody held a role that the response policy asks for: {name_list(vacant)}.", searched))
    if costs := unpriced(story):
        blocks.append(block(f"Without a price: {name_list(costs)}.", searched))
    return [*blocks, *_unmeasured(story)]


def _vacant(story: Story) -> list[str]:
    held = {interval.role for interval in story.roles}
    return [str(Role(role).label).lower() for role in story.required_roles if role not in held]


def _unmeasured(story: Story) -> list[Block]:
    """The metrics that cannot be read, by the reason, which they share."""
    reasons: dict[str, list[str]] = {}
    for metric in story.metrics:
        if metric.state != State.OK:
            reasons.setdefault(metric.why, []).append(metric.label.lower())
    return [block(f"Not measured: {name_list(labels)}. {why}", story.seqs) for why, labels in reasons.items()]
