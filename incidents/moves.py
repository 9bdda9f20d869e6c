"""Which moves of an incident's status exist, and what each needs. Every pair of statuses has an answer here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from incidents.models import Severity, Status

REASON_CHARACTERS = 10
"""A move backwards needs a reason of at least this many characters."""

UPDATE_EVERY = {
    Severity.SEV1: timedelta(minutes=20),
    Severity.SEV2: timedelta(minutes=30),
    Severity.SEV3: timedelta(hours=4),
    Severity.SEV4: timedelta(days=1),
}
"""The longest silence that an unresolved incident of this severity should see."""


@dataclass(frozen=True)
class Move:
    """One allowed move."""

    to: Status
    needs_reason: bool = False
    """Whether it goes backwards and therefore needs a reason of REASON_CHARACTERS."""
    implies: tuple[Status, ...] = field(default=())
    """Statuses that it passes through without anybody saying so: recorded, and marked as inferred."""


MOVES: dict[Status, tuple[Move, ...]] = {
    # The short way to RESOLVED implies mitigation but no monitoring: nobody watched. The built-in policy
    # refuses it (docs/reference/policies.md); an organisation's own rules may let it through.
    Status.OPEN: (
        Move(Status.MITIGATED),
        Move(Status.MONITORING, implies=(Status.MITIGATED,)),
        Move(Status.RESOLVED, implies=(Status.MITIGATED,)),
    ),
    Status.MITIGATED: (
        Move(Status.MONITORING),
        Move(Status.RESOLVED),
        Move(Status.OPEN, needs_reason=True),
    ),
    Status.MONITORING: (
        Move(Status.RESOLVED),
        Move(Status.MITIGATED, needs_reason=True),
        Move(Status.OPEN, needs_reason=True),
    ),
    Status.RESOLVED: (Move(Status.OPEN, needs_reason=True),),
}


def find_move(*, before: str, to: str) -> Move | None:
    """Return the move from `before` to `to`, or None when there is none."""
    return next((move for move in MOVES[Status(before)] if move.to == to), None)
