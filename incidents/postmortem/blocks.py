"""The pieces that a postmortem is made of, and the small words that its sections share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired, TypedDict

from conductor.console.formatting import exact_moment
from conductor.lib.clock import rfc3339
from incidents.models import TimelineEvent


class Block(TypedDict):
    """One statement and the timeline entries that it rests on."""

    text: str
    sources: list[int]
    """Numbers of timeline entries, ascending, at least one."""
    at: NotRequired[str]
    """RFC 3339, where the block tells of one moment."""
    by: NotRequired[str]
    """Who said it, where the text is somebody's own words."""


class Section(TypedDict):
    """A titled run of blocks."""

    key: str
    title: str
    blocks: list[Block]
    edited: NotRequired[bool]
    """Whether a person has written it; a new draft leaves it alone then."""


def block(text: str, sources: Iterable[int], *, at: datetime | None = None, by: str = "") -> Block:
    """Return the block with its sources in order. Raise ValueError for a statement without any."""
    made: Block = {"text": text, "sources": sorted(set(sources))}
    if not made["sources"]:
        raise ValueError(f"no entry supports: {text}")
    if at is not None:
        made["at"] = rfc3339(at)
    if by:
        made["by"] = by
    return made


def when(at: datetime) -> str:
    """Return the moment as documents write it."""
    return exact_moment(at)


def numbers(events: Iterable[TimelineEvent]) -> list[int]:
    """Return the entries' numbers."""
    return [event.seq for event in events]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 update` or `3 updates`."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
