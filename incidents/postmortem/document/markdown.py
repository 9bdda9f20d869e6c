"""A postmortem as Markdown, for wikis and repositories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from conductor.console.format.values import exact_moment
from conductor.lib.clock import parse_rfc3339
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.draft.blocks import Block
from incidents.postmortem.draft.written import statements, waiver_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(*, incident: Incident, postmortem: Postmortem) -> str:
    """Return the postmortem as CommonMark with pipe tables; people's own words are escaped. Empty sections are left
    out."""
    sections = {section["key"]: section for section in postmortem.sections if statements(section)}
    headline = sections.pop("headline", None)
    said = headline["blocks"][0]["text"] if headline else incident.title
    lines = [f"# {incident.code}: {_escaped(said)}", "", _stands(postmortem)]
    for section in sections.values():
        lines += ["", f"## {section['title']}", "", *_table(section)]
        lines += [_item(block) for block in statements(section) if "cells" not in block or "columns" not in section]
    lines += ["", "Numbers in parentheses name entries of the incident's timeline.", ""]
    lines += [f"Content SHA-256: `{postmortem.content_digest}`", ""]
    return "\n".join(lines)


def _table(section: Any) -> list[str]:
    """The rows of a section that is a table, each with its entries."""
    columns, rows = section.get("columns"), [each for each in statements(section) if "cells" in each]
    if not columns or not rows:
        return []
    lines = [_row([*columns, "Entries"]), "|" + "---|" * (len(columns) + 1)]
    lines += [_row([*each["cells"], _numbers(each)]) for each in rows]
    return [*lines, ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escaped(cell).replace(chr(10), ' ') for cell in cells)} |"


def _numbers(block: Block) -> str:
    return ", ".join(f"#{number}" for number in block["sources"])


def _item(block: Block) -> str:
    at = f"{exact_moment(parse_rfc3339(block['at']))}: " if "at" in block else ""
    sources = _numbers(block)
    text = _escaped(block["text"]).replace("\n", "\n  ")
    said = f"{_escaped(block['by'])}, {sources}" if "by" in block else sources
    return f"- {at}{text} ({said})"


def _stands(postmortem: Postmortem) -> str:
    """Return which version it is, whether somebody has approved it, and who."""
    if postmortem.approved_at is None:
        return f"Version {postmortem.version}, a draft. Nobody has approved it yet."
    who, at = _escaped(postmortem.approved_by_name), exact_moment(postmortem.approved_at)
    return f"Version {postmortem.version}. Approved by {who}, {at}. {_escaped(waiver_words(postmortem))}".rstrip()


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
