"""The first page of the document, which stands alone: what a reader needs who reads no further."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conductor.console.format.values import clock_time, day
from conductor.lib.clock import parse_rfc3339
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.document.first_page_room import PAGE, SHORT, chart_height, height_of
from incidents.postmortem.document.plot import Mark
from incidents.postmortem.draft.blocks import counted, stop
from incidents.postmortem.draft.written import is_written, statements, waiver_words
from incidents.record.phrases import name_list

FIRST_PAGE = frozenset({"headline", "header", "summary", "figures"})
"""Sections that are on it, and nowhere else."""
ROOM = ((3, 4), (2, 4), (2, 3), (1, 3), (1, 2), (1, 1))
"""How many causes and changes are tried, the most first."""
LONGEST = 320
"""Characters of one statement on it; the sections and the timeline have the rest."""
_MARKED = (("Alert", "alert"), ("Declared", "declared"), ("Decision", "decision"), ("Mitigated", "mitigated"))
Section = Mapping[str, Any]


def first_page(
    *,
    incident: Incident,
    postmortem: Postmortem,
    said: Mapping[str, Section],
    headline: str,
    places: Mapping[str, int],
    is_staged: bool = False,
) -> dict[str, Any]:
    """Return the summary, figures, chart, causes, changes, and who vouches. `places` are the sections' numbers.

    What does not fit on one page is left to the sections: first the chart's height, then causes and changes, then the
    chart. `flows` says whether there is so little that the sections follow on the same page.
    """
    causes, changes = _causes(said.get("factors")), _changes(said.get("actions"))
    summary = [{**each, "text": _short(each["text"])} for each in _said(said.get("summary"))]
    figures = [each["cells"] for each in _said(said.get("figures")) if "cells" in each]
    signed = _signed(postmortem, places.get("timeline"))
    drawable = any(chart["state"] == "ok" for chart in postmortem.charts)
    for most_why, most_changes in ROOM:
        used = height_of(
            headline=headline,
            summary=" ".join(f"{each['text']} {each.get('by', '')}" for each in summary),
            boxes=int(is_staged) + int(postmortem.approved_at is None),
            has_figures=bool(figures),
            why=[_short(each["text"]) + each.get("by", "") for each in causes[:most_why]],
            changes=[(each["title"], each["who"]) for each in changes[:most_changes]],
            signed=signed,
        )
        height = chart_height(used) if drawable else 0
        if used <= PAGE and (height or not drawable):
            break
    return {
        "severity": incident.severity,
        "summary": summary,
        "figures": figures,
        "height": height,
        "flows": not height and used < PAGE * SHORT,
        "why": [{**each, "text": _short(each["text"])} for each in causes[:most_why]],
        "more_why": _more(len(causes) - most_why, "factor", places.get("factors")),
        "changes": changes[:most_changes],
        "more_changes": _more(len(changes) - most_changes, "action item", places.get("actions")),
        "signed": signed,
    }


def _said(section: Section | None) -> list[Any]:
    return statements(section) if section else []


def marks_of(timeline: Section | None) -> list[Mark]:
    """Return at most three moments for the chart: how it came to be known, the last decision, the mitigation."""
    blocks = [each for each in _said(timeline) if "mark" in each and "at" in each]
    found: dict[str, Mark] = {}
    for kind, word in _MARKED:
        those = [parse_rfc3339(each["at"]) for each in blocks if each["mark"] == kind]
        if those:
            at = those[-1] if kind == "Decision" else those[0]
            found[kind] = Mark(at, f"{clock_time(at)[:5]} {word}")
    if "Alert" in found:
        found.pop("Declared", None)
    return sorted(found.values(), key=lambda mark: mark.at)


def _causes(section: Section | None) -> list[Mapping[str, Any]]:
    """What people wrote as contributing factors."""
    return statements(section) if section and is_written(section) else []


def _changes(section: Section | None) -> list[dict[str, str]]:
    """What is to be done, by whom and when: action items that were not dropped."""
    found = []
    for each in _said(section):
        if len(each.get("cells", ())) == 6:
            _code, title, owner, due, _ticket, state = each["cells"]
            if state != "Dropped":
                when = state.lower() if state.startswith("Done") else due if due != "No date" else "no date"
                found.append({"title": title, "who": f"{owner}, {when}"})
    return found


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rsplit(' ', 1)[0]}…"


def _more(count: int, noun: str, place: int | None) -> str:
    if count <= 0:
        return ""
    return f"{counted(count, f'more {noun}')} in section {place}." if place else f"{counted(count, f'more {noun}')}."


def _signed(postmortem: Postmortem, timeline: int | None) -> str:
    """Who wrote it, from how much, and who approved it when."""
    writers = name_list([author["name"] for author in postmortem.authors])
    entries = counted(postmortem.through_seq, "timeline entry", "timeline entries")
    sentences = [f"Version {postmortem.version}, {f'written by {writers} ' if writers else ''}from {entries}."]
    if postmortem.approved_at is not None:
        sentences.append(f"Approved by {postmortem.approved_by_name} on {_minute(postmortem.approved_at)}.")
        if postmortem.waived:
            sentences.append(stop(waiver_words(postmortem)))
    where = f"; section {timeline} prints those that tell the story" if timeline else ""
    return " ".join([*sentences, f"Raised numbers name entries of the incident's timeline{where}."])


def _minute(at: datetime) -> str:
    return f"{day(at)}, {clock_time(at)[:5]} UTC"
