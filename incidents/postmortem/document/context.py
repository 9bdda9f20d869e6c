"""The variables of templates/incidents/postmortem/document.html, which extends base_document.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor.console.staged import STAGED
from conductor.lib.clock import parse_rfc3339
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.document.first_page import FIRST_PAGE, first_page, marks_of
from incidents.postmortem.document.plot import plots_of
from incidents.postmortem.document.tables import table_of
from incidents.postmortem.draft.blocks import stop
from incidents.postmortem.draft.written import TITLES, statements, waiver_words

MISSING_KEY = "unknown"
HELPED = {"helped", "harder"}


def document_context(
    *, incident: Incident, postmortem: Postmortem, tenant_name: str, is_staged: bool = False
) -> dict[str, Any]:
    """Return plain values only: rendering reads no database and no clock, so the same version gives the same bytes.

    Sections that say nothing are left out.
    """
    said = {section["key"]: section for section in postmortem.sections if statements(section)}
    keys = [key for key in said if key not in FIRST_PAGE | {MISSING_KEY}]
    shown = [_section(said[key], postmortem) for key in keys]
    if set(keys) >= HELPED:
        shown = _side_by_side(shown)
    if box := _missing(said.get(MISSING_KEY), postmortem):
        shown.append(box)
    places = {section["key"]: place for place, section in enumerate(shown, start=1)}
    heading = statements(said["headline"])[0]["text"] if "headline" in said else incident.title
    first = first_page(
        incident=incident, postmortem=postmortem, said=said, headline=heading, places=places, is_staged=is_staged
    )
    _place_charts(postmortem, said, first, shown)
    return {
        "document": {
            "tenant": tenant_name,
            "staged": STAGED if is_staged else "",
            "kind": f"Postmortem {incident.code}",
            "running": f"Postmortem {incident.code}, {incident.title}",
            "heading": heading,
            "subtitle": heading,
            "draft": _draft(postmortem),
            "foot": f"Version {postmortem.version}  {postmortem.content_digest}",
            "sections": shown,
        },
        "first": first,
    }


def file_name(*, incident: Incident, postmortem: Postmortem, suffix: str) -> str:
    """Return `INC-17-postmortem-v2.pdf`."""
    return f"{incident.code}-postmortem-v{postmortem.version}.{suffix}"


def _draft(postmortem: Postmortem) -> str:
    if postmortem.approved_at is not None:
        return ""
    return f"Version {postmortem.version}. Nobody has approved it yet."


def _section(section: Mapping[str, Any], postmortem: Postmortem) -> dict[str, Any]:
    blocks = [{**each, **({"at": parse_rfc3339(each["at"])} if "at" in each else {})} for each in statements(section)]
    table = table_of(section, blocks, as_of=postmortem.drafted_at)
    plain = [each for each in blocks if table is None or "cells" not in each]
    made = {"key": section["key"], "id": section["key"], "title": section["title"], "blocks": plain, "table": table}
    return {**made, **_days(plain)} if section["key"] == "timeline" else made


def _side_by_side(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What helped and what made it harder, as one section of two columns."""
    both = {section["key"]: section for section in sections if section["key"] in HELPED}
    pair = {
        "key": "helped",
        "id": "helped",
        "title": "What helped, what made it harder",
        "columns": [both["helped"], both["harder"]],
    }
    return [pair if each["key"] == "helped" else each for each in sections if each["key"] != "harder"]


def _place_charts(
    postmortem: Postmortem, said: Mapping[str, Any], first: dict[str, Any], shown: Sequence[dict[str, Any]]
) -> None:
    """Put the first chart on the first page where there is room, and the others with what was measured."""
    marks = marks_of(said.get("timeline"))
    rest = postmortem.charts
    if first["height"]:
        drawable = next(chart for chart in rest if chart["state"] == "ok")
        rest = [chart for chart in rest if chart is not drawable]
        first["plot"] = plots_of([drawable], marks=marks, height=first["height"])[0]
    for section in shown:
        if section["key"] == "measured":
            section["plots"] = plots_of(rest, marks=marks)


def _days(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether the entries are of more than one day; else which."""
    days = sorted({each["at"].date() for each in blocks if "at" in each})
    return {"days": len(days) != 1, "day": f"{days[0]:%-d %b}" if days else ""}


def _missing(section: Mapping[str, Any] | None, postmortem: Postmortem) -> dict[str, Any] | None:
    """The last box: what the version says is missing, and what its approver accepted as blank."""
    texts = [each["text"] for each in statements(section)] if section else []
    if not any(text.startswith("Not written") for text in texts):
        # Drafts of earlier releases said of each blank section that it was; here they are named once.
        blank = [TITLES[each["key"]] for each in postmortem.sections if each["key"] in TITLES and not statements(each)]
        texts = [f"Not written: {', '.join(blank).lower()}.", *texts] if blank else texts
    waiver = waiver_words(postmortem)
    if not texts and not waiver:
        return None
    title = section["title"] if section else "What is missing"
    said = [*texts, *([stop(waiver)] if waiver else [])]
    return {"key": MISSING_KEY, "id": MISSING_KEY, "title": title, "blocks": [{"text": each} for each in said]}
