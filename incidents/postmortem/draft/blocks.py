"""The pieces that a postmortem is made of, and the small words that its sections share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from conductor.console.format.values import exact_moment
from conductor.lib.clock import rfc3339
from incidents.models.history import TimelineEvent


class Block(TypedDict):
    """One statement and the timeline entries that it rests on."""

    text: str
    sources: list[int]
    """Numbers of timeline entries, ascending, at least one."""
    at: NotRequired[str]
    """RFC 3339, where the block tells of one moment."""
    by: NotRequired[str]
    """Who said it, where the text is somebody's own words."""
    cells: NotRequired[list[str]]
    """The statement as a row of its section's table, one text for each of the section's columns."""
    mark: NotRequired[str]
    """What kind of moment it is, where that is worth a mark: `Declared`, `Decision`, `Impact begins`, …"""


class Section(TypedDict):
    """A titled run of blocks."""

    key: str
    title: str
    blocks: list[Block]
    """Empty where there is nothing to say: such a section is not printed, and the last one says what is missing."""
    columns: NotRequired[list[str]]
    """The headings of the blocks' cells, where the section is a table."""
    edited: NotRequired[bool]
    """Whether a person has written it; a new draft leaves it alone then."""


def block(
    text: str,
    sources: Iterable[int],
    *,
    at: datetime | None = None,
    by: str = "",
    cells: Sequence[str] = (),
    mark: str = "",
) -> Block:
    """Return the block with its sources in order. Raise ValueError for a statement without any."""
    made: Block = {"text": text, "sources": sorted(set(sources))}
    if not made["sources"]:
        raise ValueError(f"no entry supports: {text}")
    if at is not None:
        made["at"] = rfc3339(at)
    if by:
        made["by"] = by
    if cells:
        made["cells"] = list(cells)
    if mark:
        made["mark"] = mark
    return made


def stop(text: str) -> str:
    """Return the sentence with a full stop, unless it ends in a mark of its own."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…", ".”", "。")) else f"{text}."


def when(at: datetime) -> str:
    """Return the moment as documents write it."""
    return exact_moment(at)


def numbers(events: Iterable[TimelineEvent]) -> list[int]:
    """Return the entries' numbers."""
    return [event.seq for event in events]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 update` or `3 updates`."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
