"""What was metered for an incident, in words: for the postmortem, chat and exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from conductor.console.formatting import byte_size, duration
from conductor.metering.selectors import CostLine

ROLE_SECONDS = "incidents.role_seconds"
METERS: Mapping[str, Callable[[Decimal], str]] = {
    ROLE_SECONDS: lambda seconds: f"{duration(float(seconds))} of people's time in roles",
    "incidents.document_bytes": lambda size: f"{byte_size(int(size))} of documents",
}
"""How a metered quantity reads; a meter that is not here is named."""


def metered(line: CostLine) -> str:
    """Return how much of what was used: `2 h 10 min of people's time in roles`."""
    words = METERS.get(line.meter)
    quantity = line.quantity.normalize()
    return words(quantity) if words else f"{quantity:f} of {line.meter}"
