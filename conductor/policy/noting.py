"""Notes which decisions were made on behalf of whom: the engine keeps them with the try that asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_notes: ContextVar[list[str] | None] = ContextVar("conductor_noted_decisions", default=None)


@contextmanager
def noting_decisions(into: list[str]) -> Iterator[None]:
    """Append to `into` the id of each decision that is made inside the block."""
    token = _notes.set(into)
    try:
        yield
    finally:
        _notes.reset(token)


def note(decision_id: UUID) -> None:
    """Have the decision noted, if anybody notes."""
    notes = _notes.get()
    if notes is not None:
        notes.append(str(decision_id))
