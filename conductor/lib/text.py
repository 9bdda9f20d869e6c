"""Text as it can be kept: PostgreSQL holds no NUL character, and canonical JSON no lone surrogate."""

from __future__ import annotations

from typing import Any


def readable(text: str) -> str:
    """Return the text without NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def storable(document: Any) -> Any:
    """Return the JSON document with every text in it readable, names too."""
    if isinstance(document, str):
        return readable(document)
    if isinstance(document, dict):
        return {readable(name): storable(value) for name, value in document.items()}
    return [storable(each) for each in document] if isinstance(document, list) else document
