"""References that survive deletion and export: `<kind>:<id>`, for example `incidents.incident:0192…`.

They take the place of foreign keys wherever a key would point sideways or up (docs/decisions/0002).
"""

from __future__ import annotations

import re

Ref = str

_KIND = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)?")


def ref(kind: str, identifier: object) -> Ref:
    """Return the reference of `identifier`, a primary key; raise ValueError on a malformed kind."""
    if not _KIND.fullmatch(kind):
        raise ValueError(f"not a reference kind: {kind!r}")
    return f"{kind}:{identifier}"


def parse_ref(value: Ref) -> tuple[str, str]:
    """Return (kind, id) of a reference; raise ValueError if it is not one."""
    kind, colon, identifier = value.partition(":")
    if not colon or not identifier or not _KIND.fullmatch(kind):
        raise ValueError(f"not a reference: {value!r}")
    return kind, identifier
