"""Drafts a postmortem from the record alone: no model, no guess, and each block names the entries it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.postmortem.blocks import Block, Section, block
from incidents.postmortem.consequences import actions, communication, cost
from incidents.postmortem.controls import controls
from incidents.postmortem.measured import measured
from incidents.postmortem.people import ASKED, SILENT, unwritten
from incidents.postmortem.regulatory import regulatory
from incidents.postmortem.response import response, unknowns
from incidents.postmortem.sections import decisions, detection, header, impact, metrics, summary, timeline
from incidents.story import Story

__all__ = ["ASKED", "LIVE", "Block", "Section", "content_digest", "draft_sections", "redrafted"]

_PARTS: Sequence[tuple[str, str, Callable[[Story], list[Block]]]] = (
    ("header", "At a glance", header),
    ("summary", "Summary", summary),
    ("impact", "Impact", impact),
    ("measured", "What was measured", measured),
    ("detection", "Detection", detection),
    ("timeline", "Timeline", timeline),
    ("factors", "Contributing factors", unwritten),
    ("helped", "What helped", unwritten),
    ("harder", "What made it harder", unwritten),
    ("response", "Response", response),
    ("decisions", "Decisions", decisions),
    ("metrics", "Metrics", metrics),
    ("cost", "Cost", cost),
    ("communication", "Communication", communication),
    ("regulatory", "Regulatory assessment", regulatory),
    ("controls", "Controls that operated or failed", controls),
    ("actions", "Action items", actions),
    ("lessons", "Lessons", unwritten),
    ("unknown", "What we do not know", unknowns),
)
LIVE = frozenset({"actions", "unknown"})
"""Sections that an edit of another one brings up to date, as long as nobody has edited them."""


def draft_sections(*, story: Story) -> list[Section]:
    """Return the sections in reading order. The same record gives the same sections."""
    sections = []
    for key, title, build in _PARTS:
        blocks = build(story) or [block(SILENT, story.seqs)]
        sections.append(Section(key=key, title=title, blocks=blocks))
    return sections


def redrafted(*, story: Story, edited: Sequence[Section]) -> list[Section]:
    """Return a fresh draft in which the sections that people edited stay as they wrote them."""
    kept = {section["key"]: section for section in edited if section.get("edited")}
    return [kept.get(section["key"], section) for section in draft_sections(story=story)]


def content_digest(*, sections: Sequence[Any], metrics: Sequence[Any], charts: Sequence[Any] = ()) -> str:
    """Return the SHA-256 of what a reader reads, in canonical JSON."""
    return sha256_hex(canonical_json(content_of(sections=sections, metrics=metrics, charts=charts)))


def content_of(*, sections: Sequence[Any], metrics: Sequence[Any], charts: Sequence[Any] = ()) -> dict[str, Any]:
    """Return what a reader reads. Versions from before there were charts have none, and keep their digest."""
    content = {"sections": list(sections), "metrics": list(metrics)}
    return {**content, "charts": list(charts)} if charts else content
