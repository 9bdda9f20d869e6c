"""Who is looking: what a table may hide from a member, it hides by asking this.

Doors say who looks. Steps, commands and verbs called without a door see everything that the tenant's scope shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conductor.tenancy.actors import Actor

_viewer: ContextVar[Actor | None] = ContextVar("conductor_viewer", default=None)


def viewer() -> Actor | None:
    """Return who is looking; None where no door was passed."""
    return _viewer.get()


def look_as(actor: Actor) -> None:
    """From here to the end of the tenant's scope, `actor` is looking: for doors that learn it on the way."""
    _viewer.set(actor)


@contextmanager
def same_viewer() -> Iterator[None]:
    """Inside, whoever looked before still looks; leaving forgets who began to look inside."""
    with viewing_as(_viewer.get()):
        yield


@contextmanager
def viewing_as(actor: Actor | None) -> Iterator[None]:
    """Inside, `actor` is looking; None: nobody, so that everything is seen. Leaving restores who looked before."""
    token = _viewer.set(actor)
    try:
        yield
    finally:
        _viewer.reset(token)
