"""What a tenant demands of notaries, and whether it was met."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters import registry
from adapters.models.adapter import NotaryPolicy, NotaryRecord
from adapters.ports.protocols import Capability, Port


@dataclass(frozen=True)
class Demand:
    """How many independent notaries must vouch for a bundle before it is released."""

    mode: str
    needed: int

    @property
    def asks(self) -> bool:
        """Whether notaries are asked at all."""
        return self.mode != NotaryPolicy.Mode.OFF

    def is_met_by(self, count: int) -> bool:
        """Whether that many suffice. `needed` is 0 unless the mode is required."""
        return count >= self.needed


def demand_at(moment: datetime) -> Demand:
    """Return what the active tenant demanded then: what was sealed under a demand is held to it for ever."""
    row = NotaryPolicy.objects.filter(in_force_at__lte=moment).order_by("-in_force_at", "-id").first()
    return Demand(row.mode, row.needed) if row else Demand(NotaryPolicy.Mode.BEST_EFFORT, 0)


def independent_vouchers(digest: str) -> int:
    """Return how many notaries that are not this installation have vouched for the digest."""
    verified = NotaryRecord.objects.filter(digest=digest, state=NotaryRecord.State.VERIFIED)
    return verified.filter(adapter__kind__in=independent_kinds()).values("adapter").distinct().count()


def independent_kinds() -> list[str]:
    """Return the notary kinds that can prove the time to somebody who does not trust the operator."""
    kinds = registry.kinds_of(Port.NOTARY)
    return [name for name, kind in kinds.items() if Capability.INDEPENDENT in kind.load().capabilities]
