"""Drafts a postmortem from the record alone: no model, no guess, and each block names the entries it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.postmortem.blocks import Block, Section, block
from incidents.postmortem.response import response, unknowns
from incidents.postmortem.sections import decisions, detection, header, impact, metrics, summary, timeline
from incidents.story import Story

__all__ = ["Block", "Section", "content_digest", "draft_sections"]

_PARTS: Sequence[tuple[str, str, Callable[[Story], list[Block]]]] = (
    ("header", "At a glance", header),
    ("summary", "Summary", summary),
    ("impact", "Impact", impact),
    ("detection", "Detection", detection),
    ("timeline", "Timeline", timeline),
    ("decisions", "Decisions", decisions),
    ("response", "Response", response),
    ("metrics", "Metrics", metrics),
    ("unknown", "What we do not know", unknowns),
)


def draft_sections(*, story: Story) -> list[Section]:
    """Return the sections in reading order. The same record gives the same sections."""
    sections = []
    for key, title, build in _PARTS:
        blocks = build(story) or [block("The record says nothing about this.", story.seqs)]
        sections.append(Section(key=key, title=title, blocks=blocks))
    return sections


def content_digest(*, sections: Sequence[Any], metrics: Sequence[Any]) -> str:
    """Return the SHA-256 of what a reader reads."""
    return sha256_hex(canonical_json({"sections": list(sections), "metrics": list(metrics)}))
