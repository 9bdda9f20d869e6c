"""The postmortem without any writing: what the record says, as sections, as Markdown and as a document's variables."""
