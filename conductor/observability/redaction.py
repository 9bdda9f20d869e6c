"""What must not stand in a log, recognised by its form: links that sign somebody in, tokens, answers of providers.

Django logs the path of every request that it refuses, and an exception may quote an address. The page
of a link is known by its path, so the path alone is a secret.
"""

from __future__ import annotations

import re
from typing import Any

REDACTED = "[redacted]"
_FORMS = (
    # The rest of a path below these is a secret; tests/observability/test_redaction.py asks the resolver for others.
    re.compile(
        r"(/(?:signin/link|signin/break-glass|invitations|accounts/password/reset/key|accounts/confirm-email)/)[^/\s\"'<>?]+"
    ),
    re.compile(r"(/t/[^/\s]+/slack/you/)[^/\s\"'<>?]+"),
    re.compile(r"([?&](?:code|state|token|key|secret|signature|id_token|access_token)=)[^&\s\"'<>]+"),
    re.compile(r"\b((?:mct|mci)_[0-9a-f]{8,32}_)[A-Za-z0-9_-]+"),
    re.compile(r"\b(whsec_)[A-Za-z0-9+/=_-]{8,}"),
    re.compile(r"\b(xox[a-z]-|xapp-)[A-Za-z0-9-]{8,}"),
    re.compile(r"(?i)\b(authorization\W{1,4}(?:bearer|basic) )[^\s\"',]+"),
    # The password of an address: postgresql://user:…@host
    re.compile(r"(\w+://[^\s:/@\"']*:)[^\s/@\"']+(?=@)"),
)


def redacted(text: str) -> str:
    """Return `text` without what is recognised as a secret."""
    for form in _FORMS:
        text = form.sub(rf"\g<1>{REDACTED}", text)
    return text


def redact_texts(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Structlog's processor: redact every text of the event, however deep it stands."""
    return {key: _inside(value) for key, value in event.items()}


def _inside(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: _inside(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_inside(each) for each in value]
    return value
