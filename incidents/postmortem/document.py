"""The variables of templates/incidents/postmortem_pdf.html, which extends base_document.html."""

from __future__ import annotations

from typing import Any

from conductor.console.formatting import exact_moment
from conductor.console.staged import STAGED
from conductor.lib.clock import parse_rfc3339
from incidents.models import Incident, Postmortem
from incidents.postmortem.blocks import counted
from incidents.postmortem.people import statements
from incidents.postmortem.plot import plots_of
from incidents.wording import status_word

FIRST_PAGE = frozenset({"headline", "header"})
"""What the first page says in its own way."""
READING_NOTE = (
    "Raised numbers name entries of the incident's timeline, on which the statement rests. The line at the foot of "
    "each page is the SHA-256 of this version's content; the receipt of the draft carries the same. All times are UTC."
)


def document_context(
    *, incident: Incident, postmortem: Postmortem, tenant_name: str, is_staged: bool = False
) -> dict[str, Any]:
    """Return plain values only: rendering reads no database and no clock, so the same version gives the same bytes.

    Sections that say nothing are left out.
    """
    sections = {section["key"]: _section(section) for section in postmortem.sections if statements(section)}
    shown = [section for key, section in sections.items() if key not in FIRST_PAGE]
    return {
        "document": {
            "tenant": tenant_name,
            "staged": STAGED if is_staged else "",
            "kind": f"Postmortem {incident.code}",
            "heading": sections["headline"]["blocks"][0]["text"] if "headline" in sections else incident.title,
            "subtitle": sections["summary"]["blocks"][0]["text"] if "summary" in sections else incident.title,
            "facts": _facts(incident, postmortem),
            "draft": _draft(postmortem),
            "foot": f"Content SHA-256  {postmortem.content_digest}",
            "reading_note": READING_NOTE,
            "sections": shown,
        },
        "summary": sections.get("summary"),
        "plots": plots_of(postmortem.charts),
    }


def file_name(*, incident: Incident, postmortem: Postmortem, suffix: str) -> str:
    """Return `INC-17-postmortem-v2.pdf`."""
    return f"{incident.code}-postmortem-v{postmortem.version}.{suffix}"


def _draft(postmortem: Postmortem) -> str:
    if postmortem.approved_at is not None:
        return ""
    entries = counted(postmortem.through_seq, "timeline entry", "timeline entries")
    return f"Version {postmortem.version}, made by {postmortem.drafted_by} from {entries}. Nobody has approved it yet."


def _facts(incident: Incident, postmortem: Postmortem) -> list[tuple[str, list[str]]]:
    ended = exact_moment(incident.resolved_at) if incident.resolved_at else "Not resolved"
    where = [incident.service or "No service named"]
    if incident.environment:
        where.append(incident.environment.name)
    return [
        ("Severity", [incident.severity]),
        ("Declared", [exact_moment(incident.declared_at)]),
        ("Resolved", [ended]),
        ("Affected", where),
        ("Status", [status_word(incident.status)]),
        _vouched(postmortem),
    ]


def _vouched(postmortem: Postmortem) -> tuple[str, list[str]]:
    if postmortem.approved_at is None:
        return "Drafted", [exact_moment(postmortem.drafted_at)]
    return "Approved", [postmortem.approved_by_name, exact_moment(postmortem.approved_at)]


def _section(section: dict[str, Any]) -> dict[str, Any]:
    blocks = []
    for block in statements(section):
        moment = {"at": parse_rfc3339(block["at"])} if "at" in block else {}
        blocks.append({**block, **moment, "cites": ", ".join(str(number) for number in block["sources"])})
    return {**section, "id": section["key"], "blocks": blocks}
