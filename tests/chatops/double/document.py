"""Slack's API document: which methods there are, what each must be given, and what its answer looks like."""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

from tests.chatops.blocks import SPECS

DOCUMENT = SPECS / "slack-web-api.openapi.json"
NEWER: dict[str, set[str]] = {
    "views.open": {"trigger_id", "interactivity_pointer", "view"},
    "chat.postMessage": {"metadata", "unfurl_app_links"},
    "chat.update": {"metadata", "reply_broadcast", "file_ids"},
    "conversations.create": {"team_id"},
    "oauth.v2.access": {"grant_type", "refresh_token"},
}
"""Arguments that Slack has added since the document was frozen."""
REQUIRED_IN_FACT = {
    "conversations.create": {"name"},
    "conversations.info": {"channel"},
    "conversations.invite": {"channel", "users"},
    "conversations.history": {"channel"},
    "conversations.setTopic": {"channel", "topic"},
    "chat.update": {"channel", "ts"},
}
"""The document calls these optional, its prose and Slack's errors (`no_channel`, …) do not."""


@lru_cache
def _paths() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text())["paths"]
    return loaded


def knows(method: str) -> bool:
    """Return whether Slack has the method."""
    return f"/{method}" in _paths()


def example(method: str) -> dict[str, Any]:
    """Return the document's example of a successful answer, a copy."""
    content = _operation(method)["responses"]["200"]["content"]["application/json"]
    return copy.deepcopy(content.get("example", {"ok": True}))


def complaints(method: str, arguments: dict[str, Any]) -> list[str]:
    """Return which arguments are missing, and which Slack does not know for this method."""
    schema = _schema(method)
    known = set(schema.get("properties", {})) | {"token"} | NEWER.get(method, set())
    needed = set(schema.get("required", ())) | REQUIRED_IN_FACT.get(method, set())
    missing = [f"missing `{name}`" for name in sorted(needed) if arguments.get(name) in (None, "")]
    return missing + [f"unknown `{name}`" for name in sorted(set(arguments) - known)]


def _schema(method: str) -> dict[str, Any]:
    body = _operation(method).get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = body.get("application/json", {}).get("schema", {})
    return schema


def _operation(method: str) -> dict[str, Any]:
    operation: dict[str, Any] = _paths()[f"/{method}"]["post"]
    return operation
