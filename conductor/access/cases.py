"""What an action may be about, by the code that people say: apps above register how theirs are found.

A case knows who may see it and what policy would be told of it, so that the permissions page can answer about it
without knowing its app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conductor.tenancy.actors import Actor


@dataclass(frozen=True)
class Case:
    """Something that a person would act on."""

    code: str
    name: str
    is_visible_to: Callable[[Actor], bool]
    visibility: str
    """In words: who may read it."""
    resource_for: Callable[[str], Mapping[str, Any] | None]
    """Action to what policy would be told of this case; None for an action that is about something else."""


Find = Callable[[str], Case | None]
"""Given what was typed (`INC-17`, `17`), return the case if whoever looks may see it. Needs the tenant's scope."""

_finders: dict[str, Find] = {}


def register_cases(*, name: str, find: Find) -> None:
    """Let the permissions page find an app's cases. Called in AppConfig.ready()."""
    _finders[name] = find


def find_case(code: str) -> Case | None:
    """Return the first case that an app knows by this code; None where there is none, or none to be seen."""
    return next((case for find in _finders.values() if (case := find(code)) is not None), None)
