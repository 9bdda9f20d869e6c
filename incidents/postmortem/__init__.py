"""The postmortem without any writing: what the record says, as sections, as Markdown and as a document's variables."""

from __future__ import annotations

from incidents.postmortem.digest import content_digest, content_of
from incidents.postmortem.document import document_context, file_name
from incidents.postmortem.draft import (
    ASKED,
    COMPUTED,
    LIVE,
    Block,
    Section,
    completed,
    draft_sections,
    redrafted,
)
from incidents.postmortem.markdown import markdown
from incidents.postmortem.people import blank, is_statement, is_written, statements

__all__ = [
    "ASKED",
    "COMPUTED",
    "LIVE",
    "Block",
    "Section",
    "blank",
    "completed",
    "content_digest",
    "content_of",
    "document_context",
    "draft_sections",
    "file_name",
    "is_statement",
    "is_written",
    "markdown",
    "redrafted",
    "statements",
]
