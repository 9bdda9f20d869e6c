"""A postmortem as Markdown, for wikis and repositories."""

from __future__ import annotations

import re

from conductor.console.formatting import duration, exact_moment
from conductor.lib.clock import parse_rfc3339
from incidents.models import Incident, Postmortem
from incidents.postmortem.blocks import Block

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(*, incident: Incident, postmortem: Postmortem) -> str:
    """Return the postmortem as CommonMark with one pipe table; people's own words are escaped."""
    lines = [
        f"# Postmortem of {incident.code}: {_escaped(incident.title)}",
        "",
        f"Version {postmortem.version}, drafted {exact_moment(postmortem.drafted_at)} by "
        f"{_escaped(postmortem.drafted_by)} from timeline entries 1 to {postmortem.through_seq}. "
        f"{_stands(postmortem)} Numbers in parentheses name those entries.",
    ]
    for section in postmortem.sections:
        lines += ["", f"## {section['title']}", ""]
        if section["key"] == "metrics":
            lines += [*_metrics(postmortem), ""]
        lines += [_item(block) for block in section["blocks"]]
    lines += ["", f"Content SHA-256: `{postmortem.content_digest}`", ""]
    return "\n".join(lines)


def _metrics(postmortem: Postmortem) -> list[str]:
    rows = ["| Metric | Value | State |", "|---|---|---|"]
    for metric in postmortem.metrics:
        value = duration(metric["seconds"]) if metric["seconds"] is not None else "not known"
        state = f"{metric['state']}: {metric['why']}" if metric["why"] else metric["state"]
        rows.append(f"| {metric['label']} | {value} | {state} |")
    return rows


def _item(block: Block) -> str:
    at = f"{exact_moment(parse_rfc3339(block['at']))}: " if "at" in block else ""
    sources = ", ".join(f"#{number}" for number in block["sources"])
    text = _escaped(block["text"]).replace("\n", "\n  ")
    said = f"{_escaped(block['by'])}, {sources}" if "by" in block else sources
    return f"- {at}{text} ({said})"


def _stands(postmortem: Postmortem) -> str:
    """Whether somebody has approved it, and who."""
    if postmortem.approved_at is None:
        return "Nobody has approved it yet."
    return f"Approved {exact_moment(postmortem.approved_at)} by {_escaped(postmortem.approved_by_name)}."


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
