"""Drafts a postmortem from the record alone: no model, no guess, and each block names the entries it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from incidents.postmortem.draft.blocks import Block, Section
from incidents.postmortem.draft.consequences import actions, communication, cost
from incidents.postmortem.draft.controls import controls
from incidents.postmortem.draft.measures import measured
from incidents.postmortem.draft.missing import missing
from incidents.postmortem.draft.record_sections import decisions, detection, impact, metrics, timeline
from incidents.postmortem.draft.reporting import regulatory
from incidents.postmortem.draft.response import response
from incidents.postmortem.draft.summary import figures, headline, summary
from incidents.postmortem.draft.written import ASKED, TITLES
from incidents.postmortem.record import Story

__all__ = ["ASKED", "LIVE", "Block", "Section", "completed", "draft_sections", "redrafted"]

Build = Callable[[Story], list[Block]]
_PARTS: Sequence[tuple[str, str, Build | None]] = (
    ("headline", "Headline", headline),
    ("summary", "Summary", None),
    ("figures", "In figures", figures),
    ("impact", "Impact", impact),
    ("measured", "What was measured", measured),
    ("detection", "Detection", detection),
    ("timeline", "Timeline", timeline),
    ("decisions", "Decisions", decisions),
    ("factors", TITLES["factors"], None),
    ("helped", TITLES["helped"], None),
    ("harder", TITLES["harder"], None),
    ("response", "Response", response),
    ("communication", "Communication", communication),
    ("actions", "Action items", actions),
    ("lessons", TITLES["lessons"], None),
    ("metrics", "Metrics", metrics),
    ("cost", "Cost", cost),
    ("regulatory", "Regulatory assessment", regulatory),
    ("controls", "Controls that operated or failed", controls),
    ("unknown", "What is missing", None),
)
"""In reading order. Those without a builder are written by people, or made of the other sections."""
COLUMNS = {
    "figures": ["Figure", "What it counts"],
    "metrics": ["Measured", "Value", "Note"],
    "response": ["Role", "Who", "From", "To"],
    "actions": ["No", "What", "Owner", "Due", "Ticket", "State"],
    "cost": ["Used", "Price"],
}
"""The headings of the sections that are tables."""
LIVE = frozenset({"headline", "summary", "figures", "actions", "unknown"})
"""Sections that an edit of another one brings up to date, as long as nobody has edited them."""
COMPUTED = frozenset({"figures", "unknown"})
"""Sections that follow from the record and from the other sections, and are nobody's to write."""


def draft_sections(*, story: Story) -> list[Section]:
    """Return the sections in reading order; one that the record says nothing of is empty. Same record, same draft."""
    return redrafted(story=story, edited=())


def redrafted(*, story: Story, edited: Sequence[Section]) -> list[Section]:
    """Return a fresh draft in which the sections that people edited stay as they wrote them."""
    kept = {section["key"]: section for section in edited if section.get("edited")}
    sections = [kept.get(key) or _section(key, title, build(story) if build else []) for key, title, build in _PARTS]
    return completed(story=story, sections=sections)


def completed(*, story: Story, sections: Sequence[Section]) -> list[Section]:
    """Return the sections with the summary, and what is missing, as they follow from the others."""
    whole: list[Section] = []
    for section in sections:
        key, made = section["key"], section
        if key == "summary" and not section.get("edited"):
            made = _section(key, section["title"], summary(story, sections))
        elif key == "unknown":
            made = _section(key, _TITLES[key], missing(story, sections))
        whole.append(made)
    return whole


def _section(key: str, title: str, blocks: list[Block]) -> Section:
    made = Section(key=key, title=title, blocks=blocks)
    if key in COLUMNS and any("cells" in each for each in blocks):
        made["columns"] = COLUMNS[key]
    return made


_TITLES = {key: title for key, title, _build in _PARTS}
