"""Problem details (RFC 9457): how every refusal of the API looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


def problem(
    *, status: int, code: str, detail: str, instance: str = "", fields: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Return the body of a problem. `code` is stable; `fields` names what to correct, dotted for nested input."""
    body: dict[str, Any] = {
        "type": f"urn:maestro-conductor:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": instance,
    }
    if fields:
        body["fields"] = {name: list(why) for name, why in fields.items()}
    return body
