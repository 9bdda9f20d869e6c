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
    "markdown",
    "redrafted",
]
