"""How many worker processes this process's pool has. The parent announces it, and what it forks inherits it."""

from __future__ import annotations

import os

_VARIABLE = "CONDUCTOR_POOL_SIZE"


def announce(processes: int) -> None:
    """Called by the pool's parent, before it forks."""
    os.environ[_VARIABLE] = str(processes)


def size() -> int:
    """Return the number of the pool's processes; 0 outside of a pool."""
    return int(os.environ.get(_VARIABLE, 0))
