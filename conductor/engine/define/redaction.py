"""Keeps secrets out of what people read of a run: by the names of members, and by what secrets look like."""

from __future__ import annotations

import re
from typing import Any

ERASED = "[erased]"

_NAME = re.compile(
    r"password|passphrase|secret|token|authorization|cookie|api_?key|private_?key|credential", re.IGNORECASE
)
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {ERASED}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]+):[^\s/@]+@"), rf"\1:{ERASED}@"),
    (re.compile(r"\b(mct_[0-9a-f]{32})_[A-Za-z0-9_-]+"), rf"\1_{ERASED}"),
    (re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}"), ERASED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), ERASED),
    (re.compile(r"\bgh[opsu]_[A-Za-z0-9]{20,}"), ERASED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"), ERASED),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), ERASED),
    (re.compile(r"(?i)\b(password|passwd|pwd|secret|api_?key|token)(\s*[=:]\s*)\S+"), rf"\1\2{ERASED}"),
)


def redacted(value: Any) -> Any:
    """Return a copy of a JSON value without secrets: members named like one, and texts that look like one."""
    if isinstance(value, dict):
        return {name: ERASED if _is_secret(name, item) else redacted(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    if isinstance(value, str):
        return _without_shapes(value)
    return value


def _is_secret(name: object, item: Any) -> bool:
    """A number or a flag (`tokens: 3`) is no secret, and neither is a reference to one (`env:…`, `file:…`)."""
    if not _NAME.search(str(name)) or isinstance(item, bool | int | float | None):
        return False
    return not (isinstance(item, str) and re.match(r"(env|file|vault):", item))


def _without_shapes(text: str) -> str:
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
