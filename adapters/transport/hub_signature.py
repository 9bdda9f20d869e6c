"""The signature that GitHub and Jira put on their webhooks: HMAC-SHA256 of the body, `sha256=` and hex."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from pydantic import SecretStr

from adapters.ports.protocols import AdapterError


def believed(*, body: bytes, signature: str, secret: SecretStr | None, source: str) -> dict[str, Any]:
    """Return the call's JSON object. Raise AdapterError `unsigned` unless the signature holds for these bytes."""
    key = secret.get_secret_value() if secret is not None else ""
    expected = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    if not key or not hmac.compare_digest(signature.strip().encode(), expected.encode()):
        raise AdapterError(f"a call in the name of {source} is not signed by it", permanent=True, code="unsigned")
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise AdapterError(f"a call of {source} is no JSON object", permanent=True, code="unreadable")
    return document
