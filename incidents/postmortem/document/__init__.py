"""A published postmortem as a document: its first page, charts, tables, Markdown."""
