"""`group=tenant:ROLE,…`: which groups of an identity provider are which role of which tenant."""

from __future__ import annotations

ROLES = ("RESPONDER", "COMMANDER", "AUDITOR", "ADMIN")


def parse_roles(text: str) -> list[tuple[str, str, str]]:
    """Return (group, tenant slug, role) of each entry; raise ValueError, which names the entry, on a malformed one."""
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        group, equals, where = entry.partition("=")
        slug, colon, role = where.partition(":")
        if not (group and equals and slug and colon) or role not in ROLES:
            raise ValueError(f"not group=tenant:ROLE with a role of {', '.join(ROLES)}: {entry!r}")
        found.append((group, slug, role))
    return found
