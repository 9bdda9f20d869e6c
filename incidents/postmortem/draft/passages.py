"""A section as its writer sees it: paragraphs, each with the timeline entries it rests on in brackets at its end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conductor.lib.errors import Invalid
from incidents.postmortem.draft.blocks import Block, block

_CITED = re.compile(r"\s*\[(#\d+(?:\s*,\s*#\d+)*)\]\s*$")
_BREAK = re.compile(r"\n[ \t]*\n")
_LINE_END = re.compile(r"\r\n?")
"""Browsers send lines that end as HTTP wants them."""


def write_passages(blocks: Sequence[Block]) -> str:
    """Return the blocks as text to be edited; `read_passages` gives the same blocks again."""
    return "\n\n".join(f"{each['text'].strip()} [{_cited(each)}]" for each in blocks)


def read_passages(text: str, *, before: Sequence[Block], entry: int, writer: str) -> list[Block]:
    """Return the blocks of an edited text.

    A paragraph that reads as before keeps its moment and speaker. `entry` is the number of the edit's own entry: a
    paragraph that cites nothing rests on it, as the word of `writer`. Raise Invalid for an entry that does not exist.
    """
    known = {write_passages([each]): each for each in before}
    blocks: list[Block] = []
    for paragraph in filter(None, (part.strip() for part in _BREAK.split(_LINE_END.sub("\n", text)))):
        if paragraph in known:
            blocks.append(known[paragraph])
            continue
        said, sources = _parted(paragraph)
        if wrong := [number for number in sources if not 1 <= number < entry]:
            raise Invalid(fields={"text": [f"There is no entry #{min(wrong)}; the newest is #{entry - 1}."]})
        if not said:
            raise Invalid(fields={"text": ["A paragraph needs words before the entries that it cites."]})
        blocks.append(block(said, sources) if sources else block(said, [entry], by=writer))
    return blocks


def _parted(paragraph: str) -> tuple[str, list[int]]:
    found = _CITED.search(paragraph)
    if found is None:
        return paragraph, []
    return paragraph[: found.start()].rstrip(), [int(number) for number in re.findall(r"\d+", found[1])]


def _cited(each: Block) -> str:
    return ", ".join(f"#{number}" for number in each["sources"])
