"""Which moves of an incident's status exist, and what each needs. Every pair of statuses has an answer here.

What a tenant may change about them, its guards and who may move, is data: incidents.response.policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from incidents.models.choices import Severity, Status

REASON_CHARACTERS = 10
"""A reason has at least this many characters."""

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
    """Whether it needs a reason of REASON_CHARACTERS: it goes backwards, or ends what was no incident."""
    implies: tuple[Status, ...] = field(default=())
    """Statuses that it passes through without anybody saying so: recorded, and marked as inferred."""
    needs_closure: bool = False
    """Whether it says why this was no incident, in one of Closure's words."""
    needs_original: bool = False
    """Whether it names the incident that this one is a duplicate of."""

    @property
    def is_plain(self) -> bool:
        """Whether a button without any further field can ask for it."""
        return not (self.needs_reason or self.needs_closure or self.needs_original)


_MERGE = Move(Status.DUPLICATE, needs_original=True)
_RESTORE = Move(Status.OPEN, needs_reason=True)

MOVES: dict[Status, tuple[Move, ...]] = {
    Status.TRIAGE: (
        Move(Status.OPEN),
        Move(Status.DECLINED, needs_reason=True, needs_closure=True),
        _MERGE,
    ),
    # The short way to RESOLVED implies mitigation but no monitoring: nobody watched. The built-in policy
    # refuses it (docs/reference/policies.md); an organisation's own rules may let it through.
    Status.OPEN: (
        Move(Status.MITIGATED),
        Move(Status.MONITORING, implies=(Status.MITIGATED,)),
        Move(Status.RESOLVED, implies=(Status.MITIGATED,)),
        Move(Status.CANCELED, needs_reason=True, needs_closure=True),
        _MERGE,
    ),
    Status.MITIGATED: (
        Move(Status.MONITORING),
        Move(Status.RESOLVED),
        Move(Status.OPEN, needs_reason=True),
        _MERGE,
    ),
    Status.MONITORING: (
        Move(Status.RESOLVED),
        Move(Status.MITIGATED, needs_reason=True),
        Move(Status.OPEN, needs_reason=True),
        _MERGE,
    ),
    Status.RESOLVED: (_RESTORE,),
    Status.DECLINED: (_RESTORE,),
    Status.CANCELED: (_RESTORE,),
    Status.DUPLICATE: (_RESTORE,),
}


def find_move(*, before: str, to: str) -> Move | None:
    """Return the move from `before` to `to`, or None when there is none."""
    return next((move for move in MOVES[Status(before)] if move.to == to), None)


def names_of_moves() -> list[str]:
    """Return every move as `OPEN>MITIGATED`, as the response policy names it."""
    return [f"{before.value}>{move.to.value}" for before, moves in MOVES.items() for move in moves]
