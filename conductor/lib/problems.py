"""Problem details (RFC 9457): how every refusal of the API looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent

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


def unreadable(error: Exception) -> tuple[int, str, str]:
    """Return status, code and detail for a request that Django does not read: too large, too many parts, no form."""
    if isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return 413, "body_too_large", f"The form's fields are too large: send at most {most:,} bytes beside the files."
    if isinstance(error, TooManyFieldsSent):
        return 413, "body_too_large", f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields."
    if isinstance(error, TooManyFilesSent):
        return 413, "body_too_large", f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FILES:,} files."
    return 400, "malformed_body", "The request cannot be read. A form must be complete and well-formed."
