"""Where sealed values are kept, by name: the keys of a tenant must know everything that they sealed.

Apps above this one register theirs in AppConfig.ready().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class SealedPlace:
    """One sealed value where it stands."""

    label: str
    """How a person finds it: `Duty room: signing_key`."""
    sealed: str
    context: str
    put: Callable[[str], None]
    """Stores another sealing of the same value in its place."""


Places = Callable[[UUID], Iterable[SealedPlace]]
_places: dict[str, Places] = {}


def register_places(*, name: str, places: Places) -> None:
    """Let the keys of a tenant find what an app keeps sealed. `places` runs in the tenant's scope."""
    _places[name] = places


def sealed_places(tenant_id: UUID) -> list[SealedPlace]:
    """Return every sealed value of the tenant, whichever app keeps it. Needs the tenant's scope."""
    return [place for _name, places in sorted(_places.items()) for place in places(tenant_id)]
