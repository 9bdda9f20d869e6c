"""Answers that are files: their media types, as the document names them."""

from __future__ import annotations

from typing import Any


def gives(media_type: str) -> dict[str, Any]:
    """Return what an operation's document lacks where its answer is bytes of `media_type`."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "The bytes", "content": content}}}
