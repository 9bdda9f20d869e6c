"""The postmortem without any writing: what the record says, as sections, as Markdown and as a document's variables."""

from __future__ import annotations

from incidents.postmortem.document import document_context, file_name
from incidents.postmortem.draft import (
    ASKED,
    LIVE,
    Block,
    Section,
    content_digest,
    content_of,
    draft_sections,
    redrafted,
)
from incidents.postmortem.markdown import markdown
from incidents.postmortem.people import is_statement, is_written

__all__ = [
    "ASKED",
    "LIVE",
    "Block",
    "Section",
    "content_digest",
    "content_of",
    "document_context",
    "draft_sections",
    "file_name",
    "is_statement",
    "is_written",
    "markdown",
    "redrafted",
]
