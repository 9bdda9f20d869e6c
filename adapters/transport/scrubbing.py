"""Takes secrets out of what others say, because whoever was given one may repeat it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from pydantic import SecretStr

REDACTED: Final = "[redacted]"
SHORTEST: Final = 4
"""A value shorter than this is found in every text; it protects nothing anyway."""


def scrubbed(text: str, *, values: Iterable[SecretStr | None]) -> str:
    """Return `text` without the values, as they are and in base64."""
    for value in values:
        plain = value.get_secret_value() if value is not None else ""
        if len(plain) >= SHORTEST:
            for shown in (plain, base64.b64encode(plain.encode()).decode()):
                text = text.replace(shown, REDACTED)
    return text
