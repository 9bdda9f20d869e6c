"""The small words that sentences about incidents are made of: names, roles, moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor.console.format.values import exact_moment
from conductor.lib.clock import parse_rfc3339
from incidents.models.choices import Role


def role_word(value: str) -> str:
    """Return the role as people read it."""
    return str(Role(value).label).lower()


def name_list(names: list[str]) -> str:
    """Return `A`, `A and B` or `A, B and C`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def roles_in_words(roles: Sequence[str]) -> str:
    """Return `the role of scribe`, or `the roles of “legal and privacy” and deputy`."""
    words = [role_word(each) for each in roles]
    if len(words) == 1:
        return f"the role of {words[0]}"
    return f"the roles of {name_list([f'“{each}”' if ' ' in each else each for each in words])}"


def at_moment(moment: str) -> str:
    """Return the RFC 3339 moment of an entry's facts as documents write it."""
    return exact_moment(parse_rfc3339(moment))


def for_want_of(data: Mapping[str, Any]) -> str:
    """Say which roles nobody held, so that the warning went to others."""
    return f", because nobody holds {roles_in_words(data['vacant'])}" if data.get("vacant") else ""
